"""The Celery app, its settings, and what beat does."""

import os

from celery import Celery
from celery.schedules import crontab

app = Celery("linkwatch", broker=os.environ["BROKER_URL"], backend=os.environ["RESULT_URL"], include=["tasks"])
app.conf.update(
    task_default_queue="links",
    task_routes={"tasks.send_digest": {"queue": "mail"}},
    result_expires=3600,
    # a task that runs when its worker dies is not lost ...
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    # ... but comes back only after this time, so the time must be longer than any task and any countdown
    broker_transport_options={"visibility_timeout": 7200},
    # one beat, and never two
    beat_schedule={
        "check-all": {"task": "tasks.check_all", "schedule": 300.0, "options": {"expires": 300}},
        "digest": {"task": "tasks.send_digest", "schedule": crontab(hour=7, minute=0)},
    },
)
