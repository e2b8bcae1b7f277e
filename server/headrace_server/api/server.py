"""The server about itself: GET /v1/server, /livez, /readyz."""

from msgspec import UNSET

from headrace_server.api import render
from headrace_server.api.call import Call, Reply
from headrace_server.api.problems import Problem
from headrace_server.api.replies import HealthDocument, ServerDocument, StoreDocument
from headrace_server.domain import limits


async def get_server(call: Call) -> Reply:
    """GET /v1/server: version, durability, store and limits."""
    status = call.services.status
    document = ServerDocument(
        version=status.version,
        durability=status.durability,
        store=StoreDocument(server=status.store_name, version=status.store_version, embedded=status.embedded),
        shards=status.shards,
        limits=_limits(call),
        server_time=render.instant(await call.engine.now_ms()),
        test_clock=call.engine.has_test_clock or UNSET,
    )
    return Reply(document=document)


async def livez(_call: Call) -> Reply:
    """GET /livez: the process answers."""
    return Reply(document=HealthDocument())


async def readyz(call: Call) -> Reply:
    """GET /readyz: the process may be sent requests; red while it drains and while its store is away or unfit."""
    status = call.services.status
    if status.draining:
        raise Problem("draining")
    if status.refusal:
        raise Problem("store_refused", status.refusal)
    await call.engine.now_ms()
    return Reply(document=HealthDocument())


def _limits(call: Call) -> dict[str, int]:
    """Return what a client can run into, by the names of the settings and the domain's constants."""
    return {
        "max_payload_bytes": call.services.limits.max_payload_bytes,
        "max_body_bytes": call.services.limits.max_body_bytes,
        "max_header_bytes": call.services.limits.max_header_bytes,
        "max_depth": limits.MAX_DEPTH,
        "max_batch_items": limits.MAX_BATCH_ITEMS,
        "max_atomic_jobs": limits.MAX_ATOMIC_JOBS,
        "max_lease_queues": limits.MAX_LEASE_QUEUES,
        "max_lease_jobs": limits.MAX_LEASE_JOBS,
        "max_lease_reply_bytes": limits.MAX_LEASE_REPLY_BYTES,
        "max_wait_ms": limits.MAX_WAIT_MS,
        "min_lease_ms": limits.MIN_LEASE_MS,
        "max_lease_ms": limits.MAX_LEASE_MS,
        "max_checkpoint_bytes": limits.MAX_CHECKPOINT_BYTES,
        "max_progress_bytes": limits.MAX_PROGRESS_BYTES,
        "max_tags": limits.MAX_TAGS,
        "max_limit_keys": limits.MAX_LIMIT_KEYS,
        "max_non_retryable": limits.MAX_NON_RETRYABLE,
        "max_runtime_ms": limits.MAX_RUNTIME_MS,
        "max_listed_jobs": limits.MAX_LISTED_JOBS,
        "max_page_items": limits.MAX_PAGE_ITEMS,
        "max_events_page": limits.MAX_EVENTS_PAGE,
        "max_wait_jobs": limits.MAX_WAIT_JOBS,
        "max_worker_info_bytes": limits.MAX_WORKER_INFO_BYTES,
        "max_worker_names": limits.MAX_WORKER_NAMES,
        "max_listed_workers": limits.MAX_LISTED_WORKERS,
    }
