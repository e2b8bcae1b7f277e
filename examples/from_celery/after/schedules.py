"""What beat was told. The server keeps these and fires them: nothing has to run for it, and nothing can fire twice.

python schedules.py     at each deploy; the same again changes nothing
"""

import tasks
from headrace import Schedule
from queue_app import app


def job_of(task, **options):
    """Return the job that a call of a task would be."""
    return app.job(task.name, (), {}, options)


SCHEDULES = {
    "check-all": Schedule(every_ms=300_000, job=job_of(tasks.check_all, expires=300)),
    "digest": Schedule(cron="0 7 * * *", job=job_of(tasks.send_digest)),
}


def put():
    """Let the server know them."""
    for name, schedule in SCHEDULES.items():
        app.client.put_schedule(name, schedule)


if __name__ == "__main__":
    put()
