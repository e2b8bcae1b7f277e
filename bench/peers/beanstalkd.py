"""beanstalkd, by a client in Python: a producer, and a worker that reserves, works and deletes."""

from typing import Any
from urllib.parse import urlsplit

import greenstalk

from peers.job import URL, note

_client: list[greenstalk.Client] = []


def one(payload: str) -> None:
    connection().put(payload)


def left() -> int:
    stats: dict[str, Any] = connection().stats_tube("default")
    return int(stats["current-jobs-ready"]) + int(stats["current-jobs-reserved"])


def connection() -> greenstalk.Client:
    """Return this process's connection."""
    if not _client:
        place = urlsplit(URL)
        _client.append(greenstalk.Client((place.hostname, place.port)))
    return _client[0]


def work() -> None:
    while True:
        job = connection().reserve()
        note(job.body)
        connection().delete(job)


if __name__ == "__main__":
    work()
