"""The jobs of one request of many: what is said once for all of them, what its reply tells; it must not do I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import is_
from typing import Any, Final

from headrace._codec import Codec
from headrace._read import Document, read, read_receipt
from headrace._steps import Reply
from headrace._wire import document_of
from headrace._write import carried, job_body
from headrace.errors import Problem, ProblemError, error_for
from headrace.models import NewJob, Raw
from headrace.receipts import Part, Receipt
from headrace.words import ABSENT, Absent, State

SHARED: Final = "/defaults"  # where it is said, as a JSON pointer


def jobs_body(jobs: Sequence[NewJob], codec: Codec) -> dict[str, Any]:
    """Return jobs as a request has them; jobs that differ in nothing but their payload say the rest once.

    Raises ValueError for a naive datetime.
    """
    if not are_alike(jobs):
        return {"jobs": [job_body(job, codec) for job in jobs]}
    return alike_body(jobs[0], [job.payload for job in jobs], codec)


def alike_body(model: NewJob, payloads: Sequence[Any], codec: Codec) -> dict[str, Any]:
    """Return jobs like `model`, one for each payload, as a request has them. Raises ValueError for a naive datetime."""
    jobs = (
        [{"payload": payload} for payload in payloads]  # as `carried` would, in a fifth of the time
        if all(map(_is_value, set(map(type, payloads))))
        else [carried("payload", payload, codec) for payload in payloads]
    )
    return {"defaults": job_body(replace(model, payload=ABSENT), codec), "jobs": jobs}


def _is_value(kind: type[Any]) -> bool:
    """Return whether what is of this type travels as a value, and not as bytes or not at all."""
    return not issubclass(kind, Raw | Absent)


def are_alike(jobs: Sequence[NewJob]) -> bool:
    """Return whether there are several jobs, which differ in nothing but their payload and have no keys of their own.

    Takes about a microsecond for each job, less than writing its options does, and ends at the first that differs.
    """
    if len(jobs) < 2 or jobs[0].idempotency_key is not None:
        return False
    first, *others = ({**vars(job), "payload": None} for job in jobs)
    return all(_is_same(first, other) for other in others)


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two jobs ask for the same; what is equal without being so (1, 1.0 and True) is not the same."""
    values = one.values(), other.values()
    return all(map(is_, *values)) or all(
        a is b or (repr(a) == repr(b) and a == b) for a, b in zip(*values, strict=True)
    )


def read_part(reply: Reply, count: int) -> Part:
    """Return what a reply tells of the `count` jobs of its request.

    Raises TypeError, ValueError or KeyError for one that does not account for each of them.
    """
    document = document_of(reply)
    ids = document["ids"]
    others = {item["index"]: _read_other(item) for item in document["results"]}
    if not isinstance(ids, list) or len(ids) != count or any(kind is not str for kind in set(map(type, ids))):
        raise ValueError(f"{count} ids expected")
    unmade = {index for index, id in enumerate(ids) if not id} if "" in ids else set()
    if not unmade <= others.keys() <= set(range(count)):
        raise ValueError("results are missing, or are of other jobs")
    return Part(ids=tuple(ids), state=State(document["state"]), others=others)


def _read_other(item: Document) -> Receipt | ProblemError:
    if "job" in item:
        return read_receipt(item["job"])
    return error_for(read(Problem, {"code": "", "detail": "", **item["problem"], "status": item["status"]}))


def is_shared(error: ProblemError) -> bool:
    """Return whether an error is about what was said once for all jobs."""
    return any(fault.pointer.startswith(SHARED) for fault in error.errors)


def moved(error: ProblemError, there: str, here: str) -> ProblemError:
    """Return an error whose faults below `there` (a JSON pointer) are told as below `here`, where the caller had it."""
    faults = (
        replace(fault, pointer=here + fault.pointer.removeprefix(there)) if _is_below(there, fault.pointer) else fault
        for fault in error.errors
    )
    return error_for(replace(error.problem, errors=tuple(faults)))


def _is_below(place: str, pointer: str) -> bool:
    return pointer == place or pointer.startswith(place + "/")


def moved_part(part: Part, start: int) -> Part:
    """Return the answer to the jobs from `start` on, with faults where these are among all."""
    others = {
        index: moved(other, f"/jobs/{index}", f"/jobs/{start + index}") if isinstance(other, ProblemError) else other
        for index, other in part.others.items()
    }
    return replace(part, others=others)


def all_refused(count: int, error: ProblemError) -> Part:
    """Return what an error about what all jobs share means for jobs of which each stands for itself."""
    others = {index: moved(error, SHARED, f"/jobs/{index}") for index in range(count)}
    return Part(ids=("",) * count, state=State.READY, others=others)
