"""Huey: a job is popped before the work, so what a worker holds when it dies is lost."""

from huey import RedisHuey

from peers.job import URL, WISHES, note

huey = RedisHuey("bench", url=URL, results="results" in WISHES)
task = huey.task(name="note")(note)


def one(payload: str) -> None:
    task(payload)


def left() -> int:
    return int(huey.storage.queue_size())
