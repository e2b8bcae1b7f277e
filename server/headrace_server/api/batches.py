"""POST /v1/jobs/batch: many jobs in one request, all or none, or each for itself."""

from collections.abc import Sequence

from msgspec import UnsetType

from headrace_server.api import after, alike, build, keys, parse, receipts, shapes
from headrace_server.api.call import Call, Reply, applied
from headrace_server.api.jobs import REPLAYED, document
from headrace_server.api.problems import Fault, invalid
from headrace_server.api.replies import BatchDocument, JobsDocument
from headrace_server.api.verdicts import Invalid, in_places, valid
from headrace_server.domain.alike import Alike
from headrace_server.domain.ids import group_of_queue
from headrace_server.domain.jobs import IdempotencyKey, NewJob
from headrace_server.domain.limits import MAX_ATOMIC_JOBS
from headrace_server.domain.requests import Enqueued, EnqueueGroup, EnqueueStatus
from headrace_server.engine import Section

Item = shapes.JobFields | Invalid

TOO_HEAVY = (
    f"must count at most {MAX_ATOMIC_JOBS} unless `atomic` is false, and counts {{}}: "
    f"a job with any of {', '.join(build.DEAR)} counts two; send fewer at once"
)


async def enqueue_jobs(call: Call) -> Reply:
    """POST /v1/jobs/batch."""
    call.services.status.require_room()
    data = await call.body()
    jobs, atomic = alike.read(call, data) or (None, False)
    if jobs is None:
        return await _apart(call, data)
    key = _key(call, keys.header(call), jobs, data)
    return await (_all_or_none if atomic else _each)(call, jobs, key)


async def _apart(call: Call, data: bytes) -> Reply:
    """Enqueue jobs each of which may have anything of its own."""
    given = parse.body(shapes.BatchInput, data, call.reading)
    items = _whole(parse.items(shapes.JobFields, given.jobs, call.reading, "/jobs"), given.defaults)
    text = keys.header(call)
    keys.require_one(text, ((f"/jobs/{i}", item) for i, item in enumerate(items) if not isinstance(item, Invalid)))
    if given.atomic:
        _require_atomic(items)
    fields = valid(items)
    jobs = _new_jobs(call, fields)
    key = _key(call, text, jobs, data)
    if given.atomic:
        return await _all_or_none(call, jobs, key)
    if any(isinstance(each.idempotency_key, str) for each in fields):
        return await _reply(call, items, jobs, await _with_own_keys(call, fields, jobs))
    return await _each(call, jobs, key, items)


def _key(call: Call, text: str | None, jobs: Sequence[NewJob], data: bytes) -> IdempotencyKey | None:
    return keys.of_request(call, text, jobs[0].queue, keys.of_body(data)) if text is not None and jobs else None


async def _all_or_none(call: Call, jobs: Sequence[NewJob], key: IdempotencyKey | None) -> Reply:
    outcome = await call.engine.enqueue(EnqueueGroup(jobs, key, brief=call.minimal))
    if not after.is_done(outcome):
        raise after.refused(outcome, [f"/jobs/{index}" for index in range(len(jobs))], [job.id for job in jobs])
    headers = [call.durability(), *applied(minimal=call.minimal)]
    if outcome.status is EnqueueStatus.REPLAYED:
        headers.append(REPLAYED)
    if outcome.state is not None and isinstance(jobs, Alike):
        return Reply(status=201, document=receipts.of_new(jobs, outcome.state), headers=headers)
    found = await after.enqueued(call, outcome)
    return Reply(
        status=201 if any(each.is_new for each in found) else 200,
        document=receipts.of(call, found) if call.minimal else JobsDocument([document(call, each) for each in found]),
        headers=headers,
    )


async def _each(
    call: Call, jobs: Sequence[NewJob], key: IdempotencyKey | None, items: Sequence[object] | None = None
) -> Reply:
    """Enqueue jobs that stand for themselves; `items` are those of the request, where some may be faulty."""
    sections = await call.engine.enqueue_list(jobs, key, brief=call.minimal)
    states = {section.answer.state if isinstance(section.answer, Enqueued) else None for section in sections}
    if isinstance(jobs, Alike) and len(jobs) == len(items or jobs) and len(states) == 1 and (state := states.pop()):
        return Reply(document=receipts.of_new(jobs, state), headers=[call.durability(), *applied(minimal=True)])
    return await _reply(call, items or jobs, jobs, sections)


async def _reply(call: Call, items: Sequence[object], jobs: Sequence[NewJob], sections: Sequence[Section]) -> Reply:
    """Return a result for each item of the request, of which `jobs` were brought to the engine."""
    others = await after.met(call, [section.answer for section in sections if isinstance(section.answer, Enqueued)])
    fates: dict[int, receipts.Fate] = {}
    for section in sections:
        fates.update(zip(section.indexes, after.fates(section, jobs, others), strict=True))
    in_order = [outcome for _, outcome in in_places(items, [fates[index] for index in range(len(jobs))])]
    return Reply(
        document=receipts.of(call, in_order)
        if call.minimal
        else BatchDocument([receipts.result(call, index, outcome) for index, outcome in enumerate(in_order)]),
        headers=[call.durability(), *applied(minimal=call.minimal)],
    )


async def _with_own_keys(call: Call, given: Sequence[shapes.JobFields], jobs: Sequence[NewJob]) -> list[Section]:
    """Enqueue jobs some of which bring keys of their own: each is a section by itself."""
    format, minimal = call.body_format, call.minimal
    groups = [
        EnqueueGroup([job], keys.of_job(fields, format), each=True, brief=minimal)
        for fields, job in zip(given, jobs, strict=True)
    ]
    return [Section([index], answer) for index, answer in enumerate(await call.engine.enqueue_each(groups))]


def _whole(items: Sequence[Item], defaults: shapes.JobDefaults | UnsetType) -> list[Item]:
    """Lay the defaults below each job; in the place of one that then still lacks something is what it lacks."""
    below, found = build.Below(defaults), list(items)
    for index, item in enumerate(found):
        if isinstance(item, Invalid):
            continue
        below.lay(item)
        if faults := build.lacks(item, f"/jobs/{index}"):
            found[index] = Invalid(faults)
    return found


def _require_atomic(items: Sequence[Item]) -> None:
    """Raise Problem with every fault of every job, and for what only an atomic batch may not hold."""
    faults = [fault for item in items if isinstance(item, Invalid) for fault in item.faults]
    if len(items) > MAX_ATOMIC_JOBS:
        faults.append(Fault("/jobs", f"must have at most {MAX_ATOMIC_JOBS} items unless `atomic` is false"))
    elif (weight := sum(1 if isinstance(item, Invalid) else build.weight(item) for item in items)) > MAX_ATOMIC_JOBS:
        faults.append(Fault("/jobs", TOO_HEAVY.format(weight)))
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


def _new_jobs(call: Call, jobs: Sequence[shapes.JobFields]) -> Sequence[NewJob]:
    found = alike.of(call, jobs)
    if found is not None:
        return found
    trace, format = build.trace(call.headers), call.body_format
    ids = call.engine.new_ids([build.queue_of(job) for job in jobs])
    return [build.new_job(job, job_id, format, trace) for job, job_id in zip(jobs, ids, strict=True)]
