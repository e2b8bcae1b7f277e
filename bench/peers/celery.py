"""Celery, with its Redis transport."""

from celery import Celery

from peers.job import URL, WISHES, note

app = Celery("bench", broker=URL, backend=URL if "results" in WISHES else None)
app.conf.update(task_acks_late="late" in WISHES, broker_connection_retry_on_startup=True)
task = app.task(name="bench.note", ignore_result="results" not in WISHES)(note)


def one(payload: str) -> None:
    task.delay(payload)


def left() -> int:
    with app.connection_for_read() as connection:
        redis = connection.default_channel.client
        return int(redis.llen("celery") + redis.hlen("unacked"))
