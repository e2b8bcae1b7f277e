"""Headrace itself, by its Python client and its worker, over HTTP."""

from collections.abc import Sequence

from headrace import App, Client, NewJob

from peers.job import URL, note

QUEUE = "bench"
TASK = "bench.note"
app = App()
app.task(name=TASK, queue=QUEUE)(note)
_client = Client(URL) if URL else None


def client() -> Client:
    """Return the producer's client."""
    assert _client is not None, "PEER_URL is not set"
    return _client


def one(payload: str) -> None:
    client().enqueue_job(NewJob(task=TASK, payload=[payload], queue=QUEUE))


def many(payloads: Sequence[str]) -> None:
    client().enqueue_payloads(TASK, [[payload] for payload in payloads], queue=QUEUE)


def left() -> int:
    counts = client().queue_stats(QUEUE).counts
    return sum(count for state, count in counts.items() if state not in ("succeeded", "dead", "cancelled"))
