"""Settles, and leases that follow them; it must not know what a settle does."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

from headrace_server.domain.errors import StoreFault
from headrace_server.domain.ids import shard_of_id
from headrace_server.domain.requests import Grant, LeaseAsk, Settle, Settled
from headrace_server.engine.batcher import Bundle
from headrace_server.engine.polls import Polls
from headrace_server.engine.routing import Routing

Outcome: TypeAlias = Settled | StoreFault
Sent: TypeAlias = list[tuple[Sequence[int], Bundle[Settle, Settled]]]  # with the places of their items in the request


class Settling(Routing):
    """What workers say of the jobs that they hold."""

    _polls: Polls

    async def settle(self, items: Sequence[Settle]) -> list[Outcome]:
        """Ack, nack, release, snooze or extend; verdicts in order. A fault answers its item only."""
        outcomes: dict[int, Outcome] = {}
        for wave in _waves(items):
            outcomes |= await _outcomes(self._send(items, wave))
        return [outcomes[index] for index in range(len(items))]

    async def settle_and_lease(self, items: Sequence[Settle], ask: LeaseAsk) -> tuple[list[Outcome], Grant | None]:
        """Settle, then take what jobs there are then; None where the store failed at the lease, or at all settles.

        Both go to the store at once where it runs them one after the other. When the awaiting task is cancelled, what
        is being granted is given back; the settles stand.
        """
        waves = _waves(items)
        if len(waves) > 1 or not self._shards[0].keeps_order:
            outcomes = await asyncio.shield(self.settle(items))
            return outcomes, None if _all_failed(outcomes) else await self._lease_or_none(ask)
        settling = asyncio.ensure_future(_outcomes(self._send(items, waves[0])))
        grant = await self._lease_or_none(ask)
        try:
            found = await asyncio.shield(settling)
        except asyncio.CancelledError:
            if grant is not None:
                self._polls.give_back(ask, grant)
            raise
        outcomes = [found[index] for index in waves[0]]
        if _all_failed(outcomes) and grant is not None:  # the caller hears of that alone
            await self._polls.give_back(ask, grant)
            grant = None
        return outcomes, grant

    async def _lease_or_none(self, ask: LeaseAsk) -> Grant | None:
        try:
            return await self._polls.poll(ask, 0)
        except StoreFault:
            return None

    def _send(self, items: Sequence[Settle], wave: Sequence[int]) -> Sent:
        """Queue a wave: what is of one kind and of one shard goes together."""
        sent: Sent = []
        for (shard, kind), places in self._alike(items, wave).items():
            start = 0
            for bundle in self._shards[shard].settle(kind, [items[index] for index in places]):
                sent.append((places[start : start + len(bundle.items)], bundle))
                start += len(bundle.items)
        return sent

    def _alike(self, items: Sequence[Settle], wave: Sequence[int]) -> dict[tuple[int, type[Settle]], Sequence[int]]:
        """Return the items of a wave by shard and kind."""
        shards, kinds = self.shards, set(map(type, items))
        if shards == len(kinds) == 1:  # mostly a list of acks
            return {(0, kinds.pop()): wave}
        alike: dict[tuple[int, type[Settle]], list[int]] = {}
        for index in wave:
            # a job of no shard is unknown to every shard: the first one says so, in the same script as to all others
            shard = shard_of_id(items[index].job_id) if shards > 1 else 0
            alike.setdefault((shard if shard < shards else 0, type(items[index])), []).append(index)
        return {**alike}


async def _outcomes(sent: Sent) -> dict[int, Outcome]:
    outcomes: dict[int, Outcome] = {}
    for places, bundle in sent:
        try:
            outcomes.update(zip(places, await bundle.answers, strict=True))
        except StoreFault as fault:
            outcomes.update(dict.fromkeys(places, fault))
    return outcomes


def _all_failed(outcomes: Sequence[Outcome]) -> bool:
    return bool(outcomes) and all(isinstance(outcome, StoreFault) for outcome in outcomes)


def _waves(items: Sequence[Settle]) -> list[list[int]]:
    """Return the indexes of items in waves, the n-th item on a job in the n-th, so that it sees those before it.

    Items of a wave go out together, whatever their verbs.
    """
    if len({item.job_id for item in items}) == len(items):
        return [list(range(len(items)))]
    waves: list[list[int]] = []
    times: Counter[bytes] = Counter()
    for index, item in enumerate(items):
        wave = times[item.job_id]
        times[item.job_id] += 1
        if wave == len(waves):
            waves.append([])
        waves[wave].append(index)
    return waves
