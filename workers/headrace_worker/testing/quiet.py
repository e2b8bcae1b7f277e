"""Whether a worker has nothing to do, as the server tells; it must not know the worker."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from headrace import Client, JobSummary, ReasonCode, State

Counts: TypeAlias = Mapping[str, Mapping[State, int]]  # of each queue, by state

_TOLD: Final = 10  # jobs that an error names
_HELD: Final = {  # ready jobs that no worker gets until time, an operator or another job lets them go
    ReasonCode.QUEUE_PAUSED,
    ReasonCode.QUEUE_RATE,
    ReasonCode.LIMIT_RATE,
    ReasonCode.LIMIT_HELD,
    ReasonCode.ORDERING,
}


def counts_of(client: Client, queues: tuple[str, ...]) -> Counts:
    """Return how many jobs of each queue are in each state."""
    return {queue: dict(client.queue_stats(queue).counts) for queue in queues}


def is_quiet(client: Client, counts: Counts) -> bool:
    """Return whether no job runs, and none is ready that a worker would get now."""
    if any(each.get(State.LEASED, 0) for each in counts.values()):
        return False
    waiting = [queue for queue, each in counts.items() if each.get(State.READY, 0)]
    return not any(_may_run(client, job) for queue in waiting for job in client.iter_jobs(queue=queue, state="ready"))


def left(client: Client, queues: tuple[str, ...]) -> Iterator[str]:
    """Yield lines about the jobs that run or could: what they are, and what the server says of them."""
    jobs = [job for queue in queues for job in client.iter_jobs(queue=queue, state=(State.READY, State.LEASED))]
    for job in jobs[:_TOLD]:
        reasons = "; ".join(reason.detail for reason in client.explain(job.id).reasons)
        yield f"  {job.task} ({job.state.value}, {job.id}): {reasons}"
    if len(jobs) > _TOLD:
        yield f"  and {len(jobs) - _TOLD} more"


def _may_run(client: Client, job: JobSummary) -> bool:
    return not any(reason.code in _HELD for reason in client.explain(job.id).reasons)
