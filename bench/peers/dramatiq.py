"""Dramatiq, with its Redis broker: a message stays in a hash until it is acknowledged after the work."""

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from peers.job import URL, WISHES, note

RESULTS = "results" in WISHES
broker = RedisBroker(url=URL)
if RESULTS:
    broker.add_middleware(Results(backend=RedisBackend(url=URL), store_results=True))
dramatiq.set_broker(broker)
task = dramatiq.actor(actor_name="note", **({"store_results": True} if RESULTS else {}))(note)


def one(payload: str) -> None:
    task.send(payload)


def left() -> int:
    return int(broker.client.hlen("dramatiq:default.msgs"))
