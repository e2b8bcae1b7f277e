"""How the oracle hands out jobs: what blocks one, whose turn it is, and what a lease uses up."""

from collections.abc import Iterable, Iterator
from itertools import chain, count

from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import Grant, LeaseAsk

from tests.model.queues import FOR_EVER
from tests.model.records import Record
from tests.model.settling import ended_as_asked, expire, put_back
from tests.model.views import as_leased
from tests.model.world import World


class Leasing:
    """The verbs `lease` and `giveback`, over one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._own_tokens = (n.to_bytes(16, "big") for n in count(1))

    def lease(self, ask: LeaseAsk, tokens: Iterable[bytes] = ()) -> Grant:
        """Hand out jobs under the given tokens, in this order; under tokens of its own when they run out."""
        world = self._world
        now = world.begin()
        replay = world.replays.find(ask.worker, ask.key)
        if replay is not None:
            replay.replays += 1
            live = [world.jobs[i] for i, token in replay.leases if i in world.jobs and world.jobs[i].is_live(token)]
            for record in live:
                record.asked_again = record.token
            return Grant(jobs=[as_leased(world, r) for r in live], now_ms=now, replayed=True)
        taken = list(self._take(ask, chain(tokens, self._own_tokens), now))
        if ask.worker is not None and ask.key is not None and taken:
            world.replays.add(ask.worker, ask.key, [(r.new.id, r.token) for r in taken if r.token])
        return Grant(jobs=[as_leased(world, r) for r in taken], now_ms=now)

    def giveback(self, ask: LeaseAsk, grant: Grant) -> None:
        """Undo a grant that reached nobody."""
        world = self._world
        world.begin()
        world.replays.forget_unless_replayed(ask.worker, ask.key)
        for leased in grant.jobs:
            record = world.jobs.get(leased.id)
            if record is None or not record.is_live(leased.token) or record.asked_again == leased.token:
                continue
            if not ended_as_asked(world, record):
                record.token = None  # nobody ever got it
                put_back(world, record)

    # -- choosing -------------------------------------------------------------------------------------

    def _take(self, ask: LeaseAsk, tokens: Iterator[bytes], now: int) -> Iterator[Record]:
        taken, size = 0, 0
        for queue in ask.queues:
            while taken < ask.max_jobs:
                record = self._next(queue, now)
                if record is None:
                    break
                size += record.size
                if taken and size > ask.max_bytes:
                    return
                taken += 1
                yield self._hand_out(record, ask, next(tokens), now)

    def _next(self, name: str, now: int) -> Record | None:
        """Return the job that a queue gives next; candidates that have expired end on the way."""
        world = self._world
        while self._gives(name, now):
            candidates = [r for r in world.ready(name) if not self._is_blocked(r, now)]
            if not candidates:
                return None
            record = self._choose(name, candidates)
            if record.expires_at_ms is None or now < record.expires_at_ms:
                return record
            expire(world, record)
        return None

    def _gives(self, name: str, now: int) -> bool:
        queue, settings = self._world.known(name), self._world.known(name).settings
        held = sum(r.state is State.LEASED for r in self._world.of(name))
        is_full = settings.concurrency is not None and held >= settings.concurrency
        return not queue.is_paused(now) and not is_full and queue.bucket.has(settings.rate, now)

    def _is_blocked(self, record: Record, now: int) -> bool:
        world, lane = self._world, record.lane
        if any(self._is_limited(key, record.new.queue, now) for key in record.new.limits):
            return True
        if lane is None:
            return False
        first = next(r for r in world.ready(record.new.queue) if r.lane == lane)
        return world.lane_holder(lane) is not None or first is not record

    def _is_limited(self, key: str, queue: str, now: int) -> bool:
        world, settings = self._world, self._world.limits.of(key)
        is_full = settings.concurrency is not None and world.slots(key, queue) >= settings.concurrency
        has_token = world.limits.bucket(world.shard(queue), key).has(settings.rate, now)
        return world.limits.is_held(key, now) or is_full or not has_token

    def _choose(self, name: str, candidates: list[Record]) -> Record:
        """Return the job with the best place of the tenant whose turn it is."""
        queue = self._world.known(name)
        if not queue.has_tenants:
            return candidates[0]
        tenants = {record.tenant for record in candidates}
        served = min(tenants, key=lambda tenant: (queue.turn(tenant), tenant.encode()))
        return next(record for record in candidates if record.tenant == served)

    # -- handing out ----------------------------------------------------------------------------------

    def _hand_out(self, record: Record, ask: LeaseAsk, token: bytes, now: int) -> Record:
        world, rules, new = self._world, self._world.rules(record), record.new
        queue = world.known(new.queue)
        if queue.has_tenants:
            queue.serve(record.tenant, new.weight)
        queue.bucket.take(queue.settings.rate, now)
        for key in new.limits:
            world.limits.bucket(world.shard(new.queue), key).take(world.limits.of(key).rate, now)
        record.lease_ms = rules.lease_ms(ask.lease_ms)
        record.run_until_ms = None if rules.max_runtime_ms is None else now + rules.max_runtime_ms
        record.deadline_ms = min(now + record.lease_ms, record.run_until_ms or FOR_EVER)
        record.delivery += 1
        record.fence = max((record.fence or 0) + 1, now * 1000 + world.fence_base_us)
        world.tallies.waited(record, now)
        record.token, record.worker, record.started_at_ms = token, ask.worker, now
        record.reason = record.progress = None
        record.leased_place = record.place
        world.move(record, State.LEASED)
        return record
