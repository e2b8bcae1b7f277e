"""Whether engine and oracle say the same: everything but revs, and the words about a lease that ran out."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TypeVar

import msgspec
from headrace_server.domain.finding import Attempt
from headrace_server.domain.jobs import Job, Receipt
from headrace_server.domain.lifecycle import State
from headrace_server.domain.metrics import JobMetrics
from headrace_server.domain.operations import OperationView
from headrace_server.domain.requests import Enqueued, EnqueueGroup, Grant, Placed

from tests.model.views import NO_REV
from tests.model.world import Change

T = TypeVar("T")

OWN_ERRORS = (b"LeaseExpired", b"MaxRuntimeExceeded")  # the store finds words for them


def plain_job(job: Job | None) -> Job | None:
    """Return a job without its rev, and of an error that the store wrote only the type."""
    return None if job is None else msgspec.structs.replace(job, rev=NO_REV, error=_plain_error(job.error))


def _plain_error(error: bytes | None) -> bytes | None:
    kind = None if error is None else str(msgspec.json.decode(error)["type"]).encode()
    return kind if kind in OWN_ERRORS else error


def plain_attempts(attempts: Sequence[Attempt] | None) -> list[Attempt] | None:
    """Return attempts that say of the store's own errors only the type."""
    if attempts is None:
        return None
    return [msgspec.structs.replace(attempt, error=_plain_error(attempt.error)) for attempt in attempts]


def plain_grant(grant: Grant) -> Grant:
    """Return a grant with the jobs of a replay, which may come shard by shard, in the order of ids."""
    if not grant.replayed:
        return grant
    return msgspec.structs.replace(grant, jobs=sorted(grant.jobs, key=lambda job: job.id))


def plain_enqueued(answer: Enqueued, group: EnqueueGroup) -> Enqueued:
    """Return an answer whose jobs have no revs; one word for all jobs becomes what it stands for."""
    if answer.state is not None:
        ids = [job.id for job in group.jobs]
        placed, receipts = [Placed.CREATED] * len(ids), [Receipt(job_id, answer.state) for job_id in ids]
        return msgspec.structs.replace(answer, state=None, jobs=[*receipts], ids=ids, placed=placed)
    jobs = [plain_job(job) if isinstance(job, Job) else job for job in answer.jobs]
    return msgspec.structs.replace(answer, jobs=jobs)


def plain_operation(view: OperationView | None) -> OperationView | None:
    """Return an operation without what each side chooses for itself: its name, and the way it went."""
    return None if view is None else msgspec.structs.replace(view, id=b"", scanned=0, sample=[])


def counted(metrics: JobMetrics, forgotten: Collection[str] = ()) -> list[object]:
    """Return the counters of queues that have any, but for some, and of all tasks."""
    queues = {q.stats.queue: q.counted for q in metrics.queues if any(q.counted) and q.stats.queue not in forgotten}
    return [queues, metrics.tasks]


def net_changes(changes: Iterable[Change]) -> dict[bytes, tuple[State | None, State | None]]:
    """Return from where to where each job came, and fail where one did not go on from where it was.

    What happens by itself may take another way: a job that is due and has expired may become ready in between.
    """
    net: dict[bytes, tuple[State | None, State | None]] = {}
    for change in changes:
        first, last = net.get(change.job_id, (change.was, change.was))
        assert last is change.was, f"{change.job_id.hex()} was {last}, and then: {change}"
        net[change.job_id] = (first, change.state)
    return {job_id: move for job_id, move in net.items() if move[0] is not move[1]}


def same(real: T, oracle: T) -> None:
    """Fail with what differs."""
    if real != oracle:
        raise AssertionError("\n".join(["", *_differences("", real, oracle)]))


def _differences(path: str, real: object, oracle: object) -> Iterator[str]:
    if real == oracle:
        return
    if isinstance(real, list) and isinstance(oracle, list) and len(real) == len(oracle):
        for index, pair in enumerate(zip(real, oracle, strict=True)):
            yield from _differences(f"{path}[{index}]", *pair)
    elif isinstance(real, msgspec.Struct) and type(real) is type(oracle):
        for name in real.__struct_fields__:
            yield from _differences(f"{path}.{name}", getattr(real, name), getattr(oracle, name))
    else:
        yield f"{path or 'answer'}: the engine says {real!r}, the oracle {oracle!r}"


class Revs:
    """Holds the engine's revs to their rules, from one look at all jobs to the next."""

    def __init__(self) -> None:
        self._last: dict[bytes, Job] = {}

    def look(self, jobs: list[Job]) -> None:
        """A rev never falls, grows with every change of its job, and belongs to one job alone."""
        for job in jobs:
            before = self._last.get(job.id)
            if before is not None:
                assert job.rev >= before.rev, f"the rev fell:\n{before}\n{job}"
                assert job.rev > before.rev or _lasting(job) == _lasting(before), f"changed:\n{before}\n{job}"
        assert len({job.rev for job in jobs}) == len(jobs), "two jobs have one rev"
        self._last = {job.id: job for job in jobs}


def _lasting(job: Job) -> Job:
    """Return a job without what follows from the clock or from its queue, and changes without it."""
    return msgspec.structs.replace(job, result=None, priority=0, max_attempts=0, max_crashes=0, max_runtime_ms=None)
