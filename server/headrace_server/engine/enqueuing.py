"""Brings new jobs to their shards: groups as they are, lists in sections; it must not know what a script does."""

import asyncio
from collections.abc import Iterable, Sequence

import msgspec

from headrace_server.domain.alike import Alike
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.ids import shard_of_id
from headrace_server.domain.jobs import IdempotencyKey, NewJob
from headrace_server.domain.requests import Enqueued, EnqueueGroup
from headrace_server.engine import weights
from headrace_server.engine.polls import Polls
from headrace_server.engine.routing import Routing, all_or_faults


class Section(msgspec.Struct, frozen=True, gc=False):
    """Some jobs of a list that were written together, each for itself."""

    indexes: Sequence[int]  # in the list
    answer: Enqueued | StoreFault  # a fault is that of all of them


class Enqueuing(Routing):
    """The calls that make jobs."""

    _polls: Polls

    async def enqueue(self, group: EnqueueGroup) -> Enqueued:
        """Write a group of jobs of one group of queues, all or none. Raises StoreFault."""
        return await self._enqueue(group)

    async def enqueue_each(self, groups: Sequence[EnqueueGroup]) -> list[Enqueued | StoreFault]:
        """Write groups that stand for themselves; one shard's are written in order. A fault answers its group only."""
        return await all_or_faults(self._enqueue(group) for group in groups)

    async def enqueue_list(
        self, jobs: Sequence[NewJob], key: IdempotencyKey | None = None, *, brief: bool = False
    ) -> list[Section]:
        """Write jobs that each stand for themselves, those of a shard in order; `key` is that of the list.

        They go in sections of as many as one script takes, each with its own part of the key. With `brief` there are
        receipts in place of jobs. A fault answers its section only.
        """
        parts = [
            (indexes, EnqueueGroup(_part(jobs, indexes), _key_of(key, number), each=True, brief=brief))
            for of_shard in self._by_shard(jobs)
            for number, indexes in enumerate(weights.sections(jobs, of_shard))
        ]
        answers = await self.enqueue_each([group for _, group in parts])
        return [Section(indexes, answer) for (indexes, _), answer in zip(parts, answers, strict=True)]

    def _enqueue(self, group: EnqueueGroup) -> "asyncio.Future[Enqueued]":
        written = self._home_of(group.jobs[0].queue).enqueue.submit(group)
        self._polls.hand_over(group, written)
        return written

    def _by_shard(self, jobs: Sequence[NewJob]) -> Iterable[Sequence[int]]:
        """Return the indexes of jobs, those of each shard together."""
        if self.shards == 1 or isinstance(jobs, Alike):
            return [range(len(jobs))]
        found: dict[int, list[int]] = {}
        for index, job in enumerate(jobs):
            found.setdefault(shard_of_id(job.id), []).append(index)
        return found.values()


def _part(jobs: Sequence[NewJob], indexes: Sequence[int]) -> Sequence[NewJob]:
    if isinstance(jobs, Alike):  # whose sections are runs
        return jobs[indexes[0] : indexes[-1] + 1]
    return [jobs[index] for index in indexes]


def _key_of(key: IdempotencyKey | None, number: int) -> IdempotencyKey | None:
    """Return the key of a list's section; that of the first one is the list's."""
    return msgspec.structs.replace(key, digest=key.digest + b"%d" % number) if key is not None and number else key
