"""RQ; a job leaves the registry of started ones when it has ended, and its result is kept for 500 seconds."""

from collections.abc import Sequence

from redis import Redis
from rq import Queue
from rq.registry import StartedJobRegistry

from peers.job import URL, note

queue = Queue(connection=Redis.from_url(URL))
_started = StartedJobRegistry(queue=queue)


def one(payload: str) -> None:
    queue.enqueue(note, payload)


def many(payloads: Sequence[str]) -> None:
    queue.enqueue_many([Queue.prepare_data(note, [payload]) for payload in payloads])


def left() -> int:
    return queue.count + _started.get_job_count(cleanup=False)
