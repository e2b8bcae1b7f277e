"""POST /v1/jobs/batch: many jobs in one request, all or none, or each for itself."""

from collections.abc import Sequence
from functools import partial

from msgspec import UNSET

from headrace_server.api import after, build, keys, parse, receipts, shapes
from headrace_server.api.call import Call, Reply, applied
from headrace_server.api.faults import rule_faults
from headrace_server.api.jobs import REPLAYED, document
from headrace_server.api.problems import Fault, invalid
from headrace_server.api.replies import BatchDocument, JobsDocument
from headrace_server.api.verdicts import Invalid, in_places, valid
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.ids import group_of_queue
from headrace_server.domain.jobs import NewJob
from headrace_server.domain.limits import MAX_ATOMIC_JOBS
from headrace_server.domain.requests import Enqueued, EnqueueGroup, EnqueueStatus
from headrace_server.engine import Section

Item = shapes.JobFields | Invalid
Fate = after.Found | Enqueued | StoreFault

# What a job may ask for that takes the store about as long as the whole rest of writing it.
DEAR = ("limits", "fairness_key", "ordering_key", "tags", "unique")
TOO_HEAVY = (
    f"must count at most {MAX_ATOMIC_JOBS} unless `atomic` is false, and counts {{}}: "
    f"a job with any of {', '.join(DEAR)} counts two; send fewer at once"
)


async def enqueue_jobs(call: Call) -> Reply:
    """POST /v1/jobs/batch."""
    call.services.status.require_room()
    data = await call.body()
    given = parse.body(shapes.BatchInput, data, call.reading)
    items = _with_defaults(parse.items(shapes.JobFields, given.jobs, call.reading, "/jobs"), given.defaults)
    text = keys.header(call)
    keys.require_one(text, ((f"/jobs/{i}", item) for i, item in enumerate(items) if not isinstance(item, Invalid)))
    if given.atomic:
        return await _all_or_none(call, items, text, data)
    return await _each(call, items, text, data)


async def _all_or_none(call: Call, items: Sequence[Item], text: str | None, data: bytes) -> Reply:
    _require_atomic(items)
    jobs = _new_jobs(call, valid(items))
    key = None if text is None else keys.of_request(call, text, jobs[0].queue, keys.of_body(data))
    outcome = await call.engine.enqueue(EnqueueGroup(jobs, key, brief=call.minimal))
    if not after.is_done(outcome):
        raise after.refused(outcome, [f"/jobs/{index}" for index in range(len(jobs))], [job.id for job in jobs])
    found = await after.enqueued(call, outcome)
    return Reply(
        status=201 if any(each.is_new for each in found) else 200,
        document=receipts.of(call, found) if call.minimal else JobsDocument([document(call, each) for each in found]),
        headers=[
            call.durability(),
            *applied(minimal=call.minimal),
            *([REPLAYED] if outcome.status is EnqueueStatus.REPLAYED else []),
        ],
    )


async def _each(call: Call, items: Sequence[Item], text: str | None, data: bytes) -> Reply:
    given, minimal = valid(items), call.minimal
    jobs = _new_jobs(call, given)
    if any(isinstance(fields.idempotency_key, str) for fields in given):
        sections = await _with_own_keys(call, given, jobs)
    else:
        key = keys.of_request(call, text, jobs[0].queue, keys.of_body(data)) if text is not None and jobs else None
        sections = await call.engine.enqueue_list(jobs, key, brief=minimal)
    others = await after.met(call, [section.answer for section in sections if isinstance(section.answer, Enqueued)])
    fates: dict[int, Fate] = {}
    for section in sections:
        fates.update(zip(section.indexes, after.fates(section, others), strict=True))
    in_order = [outcome for _, outcome in in_places(items, [fates[index] for index in range(len(jobs))])]
    return Reply(
        document=receipts.of(call, in_order)
        if minimal
        else BatchDocument([receipts.result(call, index, outcome) for index, outcome in enumerate(in_order)]),
        headers=[call.durability(), *applied(minimal=minimal)],
    )


async def _with_own_keys(call: Call, given: Sequence[shapes.JobFields], jobs: Sequence[NewJob]) -> list[Section]:
    """Enqueue jobs some of which bring keys of their own: each is a section by itself."""
    format, minimal = call.body_format, call.minimal
    groups = [
        EnqueueGroup([job], keys.of_job(fields, format), each=True, brief=minimal)
        for fields, job in zip(given, jobs, strict=True)
    ]
    return [Section([index], answer) for index, answer in enumerate(await call.engine.enqueue_each(groups))]


def _with_defaults(items: Sequence[Item], defaults: object) -> list[Item]:
    if isinstance(defaults, shapes.JobDefaults):
        items = [item if isinstance(item, Invalid) else build.with_defaults(item, defaults) for item in items]
    return [_require_whole(item, f"/jobs/{index}") for index, item in enumerate(items)]


def _require_whole(item: Item, pointer: str) -> Item:
    """Return a job, or what it lacks although the defaults are laid below it."""
    if isinstance(item, Invalid):
        return item
    faults = [] if isinstance(item.task, str) else [Fault(f"{pointer}/task", "is missing, here and in the defaults")]
    for rule in shapes.WHOLE_JOB:
        if getattr(item, rule.trigger) is not UNSET:
            faults += rule_faults(rule, partial(getattr, item), pointer)
    return Invalid(faults) if faults else item


def _require_atomic(items: Sequence[Item]) -> None:
    """Raise Problem with every fault of every job, and for what only an atomic batch may not hold."""
    faults = [fault for item in items if isinstance(item, Invalid) for fault in item.faults]
    if len(items) > MAX_ATOMIC_JOBS:
        faults.append(Fault("/jobs", f"must have at most {MAX_ATOMIC_JOBS} items unless `atomic` is false"))
    elif (weight := sum(_weight(item) for item in items)) > MAX_ATOMIC_JOBS:
        faults.append(Fault("/jobs", TOO_HEAVY.format(weight)))
    for index, item in enumerate(items):
        if not isinstance(item, Invalid) and isinstance(item.idempotency_key, str):
            detail = "needs `atomic: false`; a batch as a whole takes the header Idempotency-Key"
            faults.append(Fault(f"/jobs/{index}/idempotency_key", detail))
    faults = faults or _other_groups(valid(items))
    if faults:
        raise invalid(faults)


def _weight(item: Item) -> int:
    return 2 if not isinstance(item, Invalid) and any(getattr(item, name) for name in DEAR) else 1


def _other_groups(jobs: Sequence[shapes.JobFields]) -> list[Fault]:
    groups = [group_of_queue(build.queue_of(job)) for job in jobs]
    return [
        Fault(f"/jobs/{index}/queue", f"lies in the group {group!r}, the first job in {groups[0]!r}", "other_group")
        for index, group in enumerate(groups)
        if group != groups[0]
    ]


def _new_jobs(call: Call, jobs: Sequence[shapes.JobFields]) -> list[NewJob]:
    trace, format = build.trace(call.headers), call.body_format
    ids = call.engine.new_ids([build.queue_of(job) for job in jobs])
    return [build.new_job(job, job_id, format, trace) for job, job_id in zip(jobs, ids, strict=True)]
