"""What workers say of themselves -> what is kept of it, and back into documents; it must not know requests."""

import msgspec
from msgspec import UNSET, UnsetType

from headrace_server.api import shapes
from headrace_server.api.build import ms_or_none, or_none
from headrace_server.api.problems import Fault, invalid
from headrace_server.api.render import given, instant, maybe_instant
from headrace_server.api.reports import WorkerDocument, WorkerInfoDocument
from headrace_server.domain.fleet import Directive, WorkerInfo, WorkerRecord
from headrace_server.domain.ids import format_id
from headrace_server.domain.limits import MAX_WORKER_INFO_BYTES


def info(said: shapes.WorkerInfoInput | UnsetType) -> WorkerInfo | None:
    """Return what is to be kept; None for nothing said. Raises Problem for more than is kept."""
    if not isinstance(said, shapes.WorkerInfoInput):
        return None
    document = msgspec.convert(msgspec.to_builtins(said), WorkerInfoDocument)
    document.started_at = maybe_instant(ms_or_none(said.started_at))  # all written alike
    size = len(msgspec.json.encode(document))
    if size > MAX_WORKER_INFO_BYTES:
        raise invalid([Fault("/info", f"is {size} bytes long as JSON; the limit is {MAX_WORKER_INFO_BYTES}")])
    document.queues = document.tasks = UNSET
    queues, tasks = or_none(said.queues), or_none(said.tasks)
    return WorkerInfo(
        facts=msgspec.json.encode(document),
        queues=None if queues is None else tuple(queues),
        tasks=None if tasks is None else tuple(tasks),
        takes_jobs=said.state in (UNSET, Directive.RUN),
        process="" if document.started_at is UNSET else document.started_at,
    )


def record(worker: WorkerRecord) -> WorkerDocument:
    """Return a worker as it is known."""
    return WorkerDocument(
        id=worker.id,
        state=worker.state.value,
        directive=worker.directive.value,
        registered_at=instant(worker.registered_at_ms),
        last_seen_at=instant(worker.last_seen_at_ms),
        lost_at=instant(worker.lost_at_ms),
        leased=worker.leased,
        job_ids=[format_id(job_id) for job_id in worker.job_ids],
        info=UNSET if worker.info is None else _info(worker.info),
    )


def _info(kept: WorkerInfo) -> WorkerInfoDocument:
    document = msgspec.json.decode(kept.facts, type=WorkerInfoDocument)
    document.queues, document.tasks = given(kept.queues), given(kept.tasks)
    return document
