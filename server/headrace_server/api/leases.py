"""Lease and settle: everything a worker says about jobs it holds or wants to hold."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from headrace_server.api import completions, grants, keys, outcomes, parse, render, settles, shapes
from headrace_server.api.call import Call, Reply, applied
from headrace_server.api.jobs import REPLAYED, job_id_of
from headrace_server.api.problems import Problem
from headrace_server.api.replies import CompletionsDocument, GrantDocument, SettledDocument
from headrace_server.api.verdicts import Invalid, valid
from headrace_server.domain.errors import StoreFault, Unknown
from headrace_server.domain.ids import format_id
from headrace_server.domain.jobs import Format
from headrace_server.domain.requests import Grant, LeaseAsk, Settle, Settled, SettleStatus

T = TypeVar("T", bound=shapes.ProofInput)
_LOST: Final = frozenset({SettleStatus.LEASE_LOST, SettleStatus.JOB_CANCELLED})


async def lease_jobs(call: Call) -> Reply:
    """POST /v1/leases: settle what is in `complete`, then lease; park only when nothing was to settle."""
    given = parse.body(shapes.LeaseInput, await call.body(), call.reading)
    ask = _ask(call, given)
    if not given.complete:
        return _granted(call, ask, await call.unless_gone(call.engine.poll(ask, given.wait_ms)), [])
    items = completions.read(given.complete, call.reading, "/complete")
    found, grant = await call.unless_gone(call.engine.settle_and_lease(valid(items), ask))
    if grant is None:
        grant = Grant(jobs=[], now_ms=await _time_of(call, found))
    return _granted(call, ask, grant, _told(items, found, minimal=call.minimal))


def _ask(call: Call, given: shapes.LeaseInput) -> LeaseAsk:
    return LeaseAsk(
        queues=given.queues,
        max_jobs=given.max,
        max_bytes=given.max_bytes,
        lease_ms=given.lease_ms if isinstance(given.lease_ms, int) else None,
        worker=given.worker.id if isinstance(given.worker, shapes.WorkerInput) else None,
        key=keys.of_lease(call, given),
    )


def _granted(call: Call, ask: LeaseAsk, grant: Grant, completed: list[SettledDocument]) -> Reply:
    return Reply(
        document=GrantDocument(
            jobs=grants.documents(grant.jobs, call.reply_format, minimal=call.minimal),
            completed=completed,
            directive=render.given(call.engine.directive_of(ask.worker)),
            server_time=render.instant(grant.now_ms),
        ),
        headers=[*applied(minimal=call.minimal), *([REPLAYED] if grant.replayed else [])],
        on_lost=partial(call.engine.giveback, ask, grant) if grant.jobs else None,
    )


async def complete_jobs(call: Call) -> Reply:
    """POST /v1/completions: settle many jobs; each item has its own outcome."""
    given = parse.body(shapes.CompletionsInput, await call.body(), call.reading)
    minimal = call.minimal
    items, now_ms = await settle_items(call, completions.read(given.items, call.reading, "/items"), minimal=minimal)
    document = CompletionsDocument(items=items, server_time=render.instant(now_ms))
    return Reply(document=document, headers=applied(minimal=minimal))


async def settle_items(
    call: Call, items: Sequence[Settle | Invalid], *, minimal: bool = False
) -> tuple[list[SettledDocument], int]:
    """Settle what has no faults; return the outcomes in the order of `items`, and the store's time.

    `minimal`: only those outcomes that are news. Raises StoreFault when the store failed all of them.
    """
    asked: Sequence[Settle] = valid(items)
    found: list[Settled | StoreFault] = await call.engine.settle(asked) if asked else []
    return _told(items, found, minimal=minimal), await _time_of(call, found)


def _told(
    items: Sequence[Settle | Invalid], found: Sequence[Settled | StoreFault], *, minimal: bool
) -> list[SettledDocument]:
    return (outcomes.news if minimal else outcomes.settled_items)(items, found)


async def _time_of(call: Call, outcomes: Sequence[Settled | StoreFault]) -> int:
    """Return the store's time as outcomes tell it; raises the StoreFault where all failed, unknown before not done."""
    times = {outcome.now_ms for outcome in outcomes if isinstance(outcome, Settled)}
    if times:
        return max(times)
    faults = [outcome for outcome in outcomes if isinstance(outcome, StoreFault)]
    if faults:
        raise next((fault for fault in faults if isinstance(fault, Unknown)), faults[0])
    return await call.engine.now_ms()


async def ack_job(call: Call) -> Reply:
    """POST /v1/jobs/{id}/ack: the job is done."""
    return await _settle_one(call, shapes.AckInput, settles.ack)


async def nack_job(call: Call) -> Reply:
    """POST /v1/jobs/{id}/nack: the attempt failed."""
    return await _settle_one(call, shapes.NackInput, settles.nack)


async def release_job(call: Call) -> Reply:
    """POST /v1/jobs/{id}/release: back to its place in the queue."""
    return await _settle_one(call, shapes.ReleaseInput, settles.release)


async def snooze_job(call: Call) -> Reply:
    """POST /v1/jobs/{id}/snooze: again after a while."""
    return await _settle_one(call, shapes.SnoozeInput, settles.snooze)


async def extend_job(call: Call) -> Reply:
    """POST /v1/jobs/{id}/extend: keep the lease."""
    return await _settle_one(call, shapes.ExtendInput, settles.extend)


async def _settle_one(call: Call, shape: type[T], to_settle: Callable[[bytes, bytes, Any, Format], Settle]) -> Reply:
    job_id = job_id_of(call)
    given = parse.body(shape, await call.body(), call.reading)
    [outcome] = await call.engine.settle([to_settle(job_id, bytes.fromhex(given.token), given, call.body_format)])
    if isinstance(outcome, StoreFault):
        raise outcome
    if outcome.status is SettleStatus.NOT_FOUND:
        raise Problem("not_found", job_id=format_id(job_id))
    if outcome.status in _LOST:
        state = outcome.state.value if outcome.state else ""
        raise Problem(outcome.status.value, job_id=format_id(job_id), state=state)
    document = outcomes.settled(job_id, outcome)
    document.server_time = render.instant(outcome.now_ms)
    return Reply(document=document)
