"""GET /metrics, about this server; GET /metrics/jobs, about the store, the same from every server."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Final

from headrace_server.api import media
from headrace_server.api.call import Call, Reply
from headrace_server.api.numbers import of_queues, of_schedules, of_store, of_tasks, of_webhooks, of_workers
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.fleet import WorkerFilter, WorkerRecord
from headrace_server.domain.limits import MAX_LISTED_SCHEDULES, MAX_LISTED_WORKERS
from headrace_server.domain.schedules import ScheduleView
from headrace_server.engine import Engine
from headrace_server.telemetry.catalogue import BY_NAME
from headrace_server.telemetry.exposition import OPENMETRICS, TEXT, Family, expose
from headrace_server.telemetry.meters import python_version

_ORDER: Final[Mapping[str, int]] = {name: number for number, name in enumerate(BY_NAME)}


async def get_metrics(call: Call) -> Reply:
    """GET /metrics: what this server has counted, with all processes of its --processes."""
    status = call.services.status
    families = [
        Family(BY_NAME["headrace_build_info"], [((status.version, python_version()), 1)]),
        Family(BY_NAME["headrace_ready"], [((), int(not (status.draining or status.refusal)))]),
        *call.engine.meters.families(),
    ]
    return _reply(call, families)


async def get_job_metrics(call: Call) -> Reply:
    """GET /metrics/jobs: what the store knows of jobs, queues, tasks, workers and schedules, and how it is itself."""
    openmetrics = media.wants_openmetrics(call.headers.get(b"accept"))
    begun = time.perf_counter()
    try:
        found = await _gather(call.engine)
    except StoreFault:
        return _reply(call, [Family(BY_NAME["headrace_store_up"], [((), 0)])])
    found.append(Family(BY_NAME["headrace_scrape_seconds"], [((), time.perf_counter() - begun)]))
    # tens of thousands of lines: in a thread, so that polls are answered meanwhile
    raw = await asyncio.to_thread(expose, _sorted(found), openmetrics=openmetrics)
    return Reply(raw=raw, media=OPENMETRICS if openmetrics else TEXT)


async def _gather(engine: Engine) -> list[Family]:
    health = await engine.store_health()  # by itself: nobody else makes it wait
    jobs, workers, schedules, hooks = await asyncio.gather(
        engine.metrics(), _workers(engine), _schedules(engine), engine.webhooks()
    )
    families = [of_store(health, jobs.now_ms), of_queues(jobs, workers), of_tasks(jobs.tasks), of_workers(workers)]
    return [family for part in (*families, of_schedules(schedules), of_webhooks(hooks.views)) for family in part]


async def _workers(engine: Engine) -> list[WorkerRecord]:
    found: list[WorkerRecord] = []
    cursor: str | None = None
    while True:
        page = await engine.workers(WorkerFilter(), cursor=cursor, limit=MAX_LISTED_WORKERS)
        found += page.workers
        cursor = page.cursor
        if cursor is None:
            return found


async def _schedules(engine: Engine) -> list[ScheduleView]:
    found: list[ScheduleView] = []
    after: str | None = None
    while True:
        page = await engine.schedules(after, MAX_LISTED_SCHEDULES)
        found += page.schedules
        after = page.next_after
        if after is None:
            return found


def _reply(call: Call, families: Iterable[Family]) -> Reply:
    openmetrics = media.wants_openmetrics(call.headers.get(b"accept"))
    return Reply(raw=expose(_sorted(families), openmetrics=openmetrics), media=OPENMETRICS if openmetrics else TEXT)


def _sorted(families: Iterable[Family]) -> list[Family]:
    return sorted(families, key=lambda family: _ORDER[family.metric.name])
