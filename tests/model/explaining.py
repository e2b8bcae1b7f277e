"""Why a job of the oracle is not running: each fact that keeps it from starting; it must not change anything."""

from collections.abc import Iterator

from headrace_server.domain.finding import Reason, ReasonCode
from headrace_server.domain.lifecycle import FINAL, State

from tests.model.records import Record
from tests.model.world import World

_CHANCE = (ReasonCode.NO_POLLER, ReasonCode.NEXT)  # they follow from who asked for jobs lately
Told = tuple[ReasonCode, str | None, int | None, bytes | None]


def told(reasons: list[Reason]) -> set[Told]:
    """Return code, key, position and job in the way of the reasons that follow from the jobs and their rules."""
    return {(r.code, r.key, r.position, r.job_id) for r in reasons if r.code not in _CHANCE}


def reasons_of(world: World, job_id: bytes) -> set[Told] | None:
    """Return what `told` must find; None for an unknown job."""
    record = world.jobs.get(job_id)
    if record is None:
        return None
    if record.state in FINAL:
        return {(ReasonCode.ENDED, None, None, None)}
    if record.state is State.LEASED:
        return {(ReasonCode.LEASED, None, None, None)}
    found = {(code, None, None, None) for code in _of_queue(world, record.new.queue)}
    if record.state is not State.READY:
        return {(ReasonCode.NOT_DUE, None, None, None), *found}
    limits = {(code, key, None, None) for name in record.new.limits for code, key in _of_limit(world, record, name)}
    return {*found, *limits, *_of_order(world, record)}


def _of_queue(world: World, name: str) -> Iterator[ReasonCode]:
    now, queue = world.now_ms(), world.known(name)
    held = sum(record.state is State.LEASED for record in world.of(name))
    if queue.is_paused(now):
        yield ReasonCode.QUEUE_PAUSED
    if queue.settings.concurrency is not None and held >= queue.settings.concurrency:
        yield ReasonCode.QUEUE_CONCURRENCY
    if not queue.bucket.has(queue.settings.rate, now):
        yield ReasonCode.QUEUE_RATE


def _of_limit(world: World, record: Record, key: str) -> Iterator[tuple[ReasonCode, str]]:
    now, queue, settings = world.now_ms(), record.new.queue, world.limits.of(key)
    if world.limits.is_held(key, now):
        names = [key, *(key.rsplit(":", n)[0] for n in range(1, key.count(":") + 1))]
        yield ReasonCode.LIMIT_HELD, max(names, key=lambda name: world.limits.held_until_ms.get(name, 0))
    if not world.limits.bucket(world.shard(queue), key).has(settings.rate, now):
        yield ReasonCode.LIMIT_RATE, key
    if settings.concurrency is not None and world.slots(key, queue) >= settings.concurrency:
        yield ReasonCode.LIMIT_CONCURRENCY, key


def _of_order(world: World, record: Record) -> Iterator[Told]:
    line = world.ready(record.new.queue)
    if record.lane is not None:
        lane = [other for other in line if other.lane == record.lane]
        in_the_way = world.lane_holder(record.lane) or lane[0]
        if in_the_way is not record:
            yield ReasonCode.ORDERING, record.new.ordering_key, lane.index(record), in_the_way.new.id
    if line.index(record) > 0:
        yield ReasonCode.BEHIND, None, line.index(record), None
