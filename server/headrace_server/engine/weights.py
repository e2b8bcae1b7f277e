"""What items weigh in a script: jobs and bytes, for batches that keep within its bounds; it must not know the verbs."""

from collections.abc import Iterator, Sequence

from headrace_server.domain import limits
from headrace_server.domain.alike import Alike
from headrace_server.domain.jobs import NewJob
from headrace_server.domain.requests import Ack, EnqueueGroup, Extend, Nack, Settle, Snooze

_SETTLE_BYTES = 64  # of an item beside its own data: ids, tokens, numbers


def of_group(group: EnqueueGroup) -> tuple[int, int]:
    """Return the jobs and bytes of a group; a job with a place in more structures takes as long as two."""
    if type(group.jobs) is Alike:
        return _of_alike(group.jobs)
    count = size = 0
    for job in group.jobs:  # of one mostly: two generators would cost more than what they add up
        count += 2 if _is_rich(job) else 1
        size += _bytes_of(job)
    return count, size


def sections(jobs: Sequence[NewJob], indexes: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the indexes in runs of jobs that one script takes: the same for the same jobs, whenever they come."""
    if isinstance(jobs, Alike) and (length := _even_length(jobs)):
        yield from (indexes[start : start + length] for start in range(0, len(jobs), length))
        return
    run: list[int] = []
    count = size = 0
    for index in indexes:
        job = jobs[index]
        count += 2 if _is_rich(job) else 1
        size += _bytes_of(job)
        if run and (count > limits.SCRIPT_JOBS or size > limits.SCRIPT_BYTES):
            yield run
            run, count, size = [], 2 if _is_rich(job) else 1, _bytes_of(job)
        run.append(index)
    if run:
        yield run


def _even_length(jobs: Alike) -> int:
    """Return how many jobs a script takes if that is the same wherever it begins; 0 where their bytes bound it."""
    length = limits.SCRIPT_JOBS // (2 if _is_rich(jobs.one) else 1)
    largest = _bytes_of(jobs.one) - len(jobs.one.payload.data) + max(map(len, jobs.payloads))
    return length if length * largest <= limits.SCRIPT_BYTES else 0


def _of_alike(jobs: Alike) -> tuple[int, int]:
    common = _bytes_of(jobs.one) - len(jobs.one.payload.data)
    return len(jobs) * (2 if _is_rich(jobs.one) else 1), len(jobs) * common + sum(map(len, jobs.payloads))


def _is_rich(job: NewJob) -> bool:
    return bool(job.limits or job.fairness_key or job.ordering_key or job.unique or job.tags)


def _bytes_of(job: NewJob) -> int:
    """Return the bytes of what may be large, of which the names of keys and queues are not."""
    tags = sum(len(name) + len(value) for name, value in job.tags.items()) if job.tags else 0
    return len(job.payload.data) + len(job.meta or b"") + len(job.trace or b"") + tags


def of_settle(item: Settle) -> tuple[int, int]:
    """Return the jobs and bytes of a settle or an extend."""
    if type(item) is Ack:  # nearly all are
        return 1, _SETTLE_BYTES if item.result is None else _SETTLE_BYTES + len(item.result.data)
    match item:
        case Nack(error=error):
            data = len(error)
        case Extend(progress=progress, checkpoint=checkpoint):
            data = len(progress or b"") + len(checkpoint or b"")
        case Snooze(checkpoint=checkpoint):
            data = len(checkpoint or b"")
        case _:
            data = 0
    return 1, data + _SETTLE_BYTES


def alone(_: object) -> tuple[int, int]:
    """Weigh as much as a script takes."""
    return limits.SCRIPT_JOBS, 0
