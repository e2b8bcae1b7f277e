"""A call of a task as the job that travels; it must not know clients."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from headrace._codec import NotWritable
from headrace.calls import argument_name, payload_of
from headrace.conf import Conf
from headrace.models import NewJob
from headrace.naming import limit_key
from headrace.options import CallOptions, TaskOptions, job_options
from headrace.receipts import Batch
from headrace.serializers import Serializers
from headrace.tasks import BaseTask

_BATCH_JOBS: Final = 1000  # of one request: the server's limit
_ATOMIC_JOBS: Final = 100  # all or none: likewise; a job that is dear counts two


def new_job(
    name: str,
    task: BaseTask[Any, Any] | None,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    call: CallOptions,
    conf: Conf,
    serializers: Serializers,
) -> NewJob:
    """Return the job of a call; `task` is None where only its name is known here.

    Raises TypeError for arguments that the task does not take or the serializer cannot write, ValueError for options
    that contradict each other.
    """
    options = conf.options_of(name, TaskOptions()) if task is None else task.in_force
    content = encoded(task, args, kwargs, serializers, call.get("serializer") or options.serializer or "json")
    if task is not None and not call:
        return NewJob(task=name, payload=content, **task.asks)
    return NewJob(task=name, payload=content, **job_options(options, call, limit_key=limit_key(name)))


def encoded(
    task: BaseTask[Any, Any] | None,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    serializers: Serializers,
    serializer: str,
) -> Any:
    """Return the arguments of a call in the form in which they travel."""
    signature = None if task is None else task.shape.signature
    payload = payload_of(args, kwargs, signature)
    try:
        return serializers.encode(payload, serializer)
    except NotWritable as error:
        head, *rest = error.path
        if task is None or head != "payload" or not rest:
            raise
        inner = "".join(f"[{part!r}]" for part in rest[1:])
        raise TypeError(error.describe(argument_name(payload, rest[0], signature) + inner)) from None


def batches(jobs: Sequence[NewJob]) -> Iterator[Sequence[NewJob]]:
    """Yield the jobs in lists that one request can carry."""
    for start in range(0, len(jobs), _BATCH_JOBS):
        yield jobs[start : start + _BATCH_JOBS]


def is_one(batch: Sequence[NewJob]) -> bool:
    """Return whether a batch can be all or none: short, and for one queue, whose jobs are in one place."""
    return len(batch) + sum(map(_is_dear, batch)) <= _ATOMIC_JOBS and len({job.queue for job in batch}) == 1


def _is_dear(job: NewJob) -> bool:
    return any((job.limits, job.fairness_key, job.ordering_key, job.tags, job.unique))


def enqueued(batch: Batch, before: int) -> tuple[str, ...]:
    """Return the ids of a batch. Raises the first error of one that is not whole; `before`: calls already sent."""
    if not batch.errors:
        return batch.ids
    error = batch.errors[0]
    error.add_note(f"{before + sum(map(bool, batch.ids))} of the calls were sent")
    raise error
