"""POST /v1/jobs/batch: many jobs in one request, all or none, or each for itself."""

from collections.abc import Sequence

from headrace_server.api import after, build, keys, parse, shapes
from headrace_server.api.call import Call, Reply
from headrace_server.api.jobs import REPLAYED, document
from headrace_server.api.problems import Fault, Problem, invalid, of_store
from headrace_server.api.replies import BatchDocument, BatchResult, JobsDocument
from headrace_server.api.verdicts import Invalid, in_places, valid
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.ids import group_of_queue
from headrace_server.domain.jobs import Job, NewJob
from headrace_server.domain.limits import MAX_ATOMIC_JOBS
from headrace_server.domain.requests import Enqueued, EnqueueGroup, EnqueueStatus

Item = shapes.JobFields | Invalid


async def enqueue_jobs(call: Call) -> Reply:
    """POST /v1/jobs/batch."""
    call.services.status.require_room()
    data = await call.body()
    given = parse.body(shapes.BatchInput, data, call.reading)
    items = _with_defaults(parse.items(shapes.JobFields, given.jobs, call.reading, "/jobs"), given.defaults)
    text = keys.header(call)
    keys.require_one(text, [(f"/jobs/{i}", item) for i, item in enumerate(items) if not isinstance(item, Invalid)])
    if given.atomic:
        return await _all_or_none(call, items, text, data)
    return await _each(call, items, text, data)


async def _all_or_none(call: Call, items: Sequence[Item], text: str | None, data: bytes) -> Reply:
    _require_atomic(items)
    jobs = _new_jobs(call, valid(items))
    key = None if text is None else keys.of_request(call, text, jobs[0].queue, keys.of_body(data))
    outcome = await call.engine.enqueue(EnqueueGroup(jobs, key))
    if outcome.status in (EnqueueStatus.KEY_MISMATCH, EnqueueStatus.EXPIRED):
        raise after.refused(outcome, [f"/jobs/{index}" for index in range(len(jobs))])
    replayed = outcome.status is EnqueueStatus.REPLAYED
    found = await after.enqueued(call, outcome)
    return Reply(
        status=200 if replayed else 201,
        document=JobsDocument([document(call, job, replayed=replayed) for job in found]),
        headers=[call.durability(), *([REPLAYED] if replayed else [])],
    )


async def _each(call: Call, items: Sequence[Item], text: str | None, data: bytes) -> Reply:
    jobs, digest = valid(items), keys.of_body(data)
    groups = [
        EnqueueGroup(
            [job],
            keys.of_job(fields, call.body_format)
            if text is None
            else keys.of_request(call, text, job.queue, digest, str(i)),
        )
        for i, (fields, job) in enumerate(zip(jobs, _new_jobs(call, jobs), strict=True))
    ]
    outcomes = await call.engine.enqueue_each(groups) if groups else []
    replays = await _replays(call, outcomes)
    results = [_result(call, index, outcome, replays) for index, (_, outcome) in enumerate(in_places(items, outcomes))]
    return Reply(document=BatchDocument(results), headers=[call.durability()])


async def _replays(call: Call, outcomes: Sequence[Enqueued | StoreFault]) -> dict[bytes, Job | None]:
    """Return the jobs that earlier requests with the same keys made, by id."""
    done = [outcome for outcome in outcomes if isinstance(outcome, Enqueued)]
    ids = [job_id for outcome in done if outcome.status is EnqueueStatus.REPLAYED for job_id in outcome.ids]
    return dict(zip(ids, await after.read(call.engine.get(ids)), strict=True)) if ids else {}


def _result(
    call: Call, index: int, outcome: Enqueued | StoreFault | Invalid, replays: dict[bytes, Job | None]
) -> BatchResult:
    if isinstance(outcome, Enqueued) and outcome.status is EnqueueStatus.CREATED:
        return BatchResult(status=201, job=document(call, outcome.jobs[0]))
    if isinstance(outcome, Enqueued) and outcome.status is EnqueueStatus.REPLAYED:
        job_id = outcome.ids[0]
        return BatchResult(status=200, job=document(call, replays[job_id] or job_id, replayed=True))
    problem = _problem(index, outcome)
    return BatchResult(status=problem.status, problem=problem.document())


def _problem(index: int, outcome: Enqueued | StoreFault | Invalid) -> Problem:
    if isinstance(outcome, Invalid):
        return invalid(outcome.faults)
    if isinstance(outcome, StoreFault):
        return of_store(outcome)
    return after.refused(outcome, [f"/jobs/{index}"])


def _with_defaults(items: Sequence[Item], defaults: object) -> list[Item]:
    if isinstance(defaults, shapes.JobDefaults):
        items = [item if isinstance(item, Invalid) else build.with_defaults(item, defaults) for item in items]
    return [_require_task(item, index) for index, item in enumerate(items)]


def _require_task(item: Item, index: int) -> Item:
    if isinstance(item, Invalid) or isinstance(item.task, str):
        return item
    return Invalid([Fault(f"/jobs/{index}/task", "is missing, here and in the defaults")])


def _require_atomic(items: Sequence[Item]) -> None:
    """Raise Problem with every fault of every job, and for what only an atomic batch may not hold."""
    faults = [fault for item in items if isinstance(item, Invalid) for fault in item.faults]
    if len(items) > MAX_ATOMIC_JOBS:
        faults.append(Fault("/jobs", f"must have at most {MAX_ATOMIC_JOBS} items unless `atomic` is false"))
    for index, item in enumerate(items):
        if not isinstance(item, Invalid) and isinstance(item.idempotency_key, str):
            detail = "needs `atomic: false`; a batch as a whole takes the header Idempotency-Key"
            faults.append(Fault(f"/jobs/{index}/idempotency_key", detail))
    faults = faults or _other_groups(valid(items))
    if faults:
        raise invalid(faults)


def _other_groups(jobs: Sequence[shapes.JobFields]) -> list[Fault]:
    groups = [group_of_queue(build.queue_of(job)) for job in jobs]
    return [
        Fault(f"/jobs/{index}/queue", f"lies in the group {group!r}, the first job in {groups[0]!r}", "other_group")
        for index, group in enumerate(groups)
        if group != groups[0]
    ]


def _new_jobs(call: Call, jobs: Sequence[shapes.JobFields]) -> list[NewJob]:
    trace = build.trace(call.headers)
    return [build.new_job(job, call.engine.new_id(build.queue_of(job)), call.body_format, trace) for job in jobs]
