"""Which shard a call goes to; what all parts of the engine stand on. It must not know the verbs."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import TypeVar, cast

from headrace_server.domain.errors import StoreFault, Unknown
from headrace_server.domain.ids import IdMaker, shard_of_id, shard_of_queue
from headrace_server.engine.chance import Chance
from headrace_server.engine.shard import Shard

T = TypeVar("T")


class Routing:
    """The shards of one key space."""

    _shards: Sequence[Shard]
    _ids: IdMaker
    _chance: Chance

    @property
    def shards(self) -> int:
        """How many shards the key space has."""
        return len(self._shards)

    def new_id(self, queue: str) -> bytes:
        """Return the 16-byte id for a new job of a queue."""
        return self._make_id(shard_of_queue(queue, self.shards))

    def new_ids(self, queues: Sequence[str]) -> list[bytes]:
        """Return the ids for new jobs of these queues, in order; chance is asked once for all of them."""
        now_ms, draws = time.time_ns() // 1_000_000, self._chance.draws(len(queues))
        make, shards = self._ids.make, self.shards
        return [make(now_ms, shard_of_queue(queue, shards), bits) for queue, bits in zip(queues, draws, strict=True)]

    def new_ids_of(self, queue: str, count: int) -> bytes:
        """Return the ids for so many new jobs of one queue, in order and joined."""
        now_ms, shard = time.time_ns() // 1_000_000, shard_of_queue(queue, self.shards)
        return self._ids.make_many(now_ms, shard, self._chance.draws(count))

    def _make_id(self, shard: int) -> bytes:
        return self._ids.make(time.time_ns() // 1_000_000, shard, self._chance.draw())

    def _shard_of(self, job_id: bytes) -> Shard | None:
        """Return the shard an id names; None for one that no job of ours can have."""
        number = shard_of_id(job_id)
        return self._shards[number] if number < self.shards else None

    def _home_of(self, queue: str) -> Shard:
        return self._shards[shard_of_queue(queue, self.shards)]

    def _shards_of(self, queue: str | None) -> Sequence[Shard]:
        """Return the shard of a queue, or all where none is named."""
        return self._shards if queue is None else [self._home_of(queue)]


def partly(error: StoreFault, done: int) -> StoreFault:
    """Return the fault of a call to several shards: once one of them has acted, "not done" would be a lie."""
    return Unknown(error.code, error.detail, retry_after_ms=error.retry_after_ms) if done else error


async def all_or_faults(answers: "Iterable[asyncio.Future[T]]") -> list[T | StoreFault]:
    """Return answers in order, a fault of the store in place of the answer that it kept away."""
    found = await asyncio.gather(*answers, return_exceptions=True)
    for answer in found:
        if isinstance(answer, BaseException) and not isinstance(answer, StoreFault):
            raise answer
    return cast("list[T | StoreFault]", found)
