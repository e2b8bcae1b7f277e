"""Verdicts on settles and extends -> documents; it must not know how a verdict is found."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import UNSET

from headrace_server.api import render
from headrace_server.api.problems import as_documents
from headrace_server.api.replies import SettledDocument
from headrace_server.api.verdicts import Invalid, in_places
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.ids import format_id
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import Ack, Release, Settle, Settled, SettleStatus, Snooze

_EXPECTED: Final[dict[type[Any], State]] = {Ack: State.SUCCEEDED, Release: State.READY, Snooze: State.SCHEDULED}


def settled_items(items: Sequence[Settle | Invalid], outcomes: Sequence[Settled | StoreFault]) -> list[SettledDocument]:
    """Return the outcomes of a list, in the order of its items; those without faults are in `outcomes`."""
    pairs: Iterable[tuple[Settle | Invalid, Settled | StoreFault | Invalid]] = in_places(items, outcomes)
    return [_settled_item(item, outcome) for item, outcome in pairs]


def news(items: Sequence[Settle | Invalid], outcomes: Sequence[Settled | StoreFault]) -> list[SettledDocument]:
    """Return those outcomes of a list that its sender cannot know beforehand, each with the index of its item."""
    told = []
    pairs: Iterable[tuple[Settle | Invalid, Settled | StoreFault | Invalid]] = in_places(items, outcomes)
    usual = None  # how the last one ended that did as asked: one object for all of a script that ended alike
    for index, (item, outcome) in enumerate(pairs):
        if outcome is usual:
            continue
        if _is_as_asked(item, outcome):
            usual = outcome
            continue
        document = _settled_item(item, outcome)
        document.index = index
        told.append(document)
    return told


def _is_as_asked(item: Settle | Invalid, outcome: Settled | StoreFault | Invalid) -> bool:
    """Tell whether a settle did what it always does; what a nack leads to only the server knows."""
    return (
        isinstance(outcome, Settled)
        and outcome.status is SettleStatus.OK
        and outcome.state is _EXPECTED.get(type(item))
        and not outcome.cancel_requested
    )


def _settled_item(item: Settle | Invalid, outcome: Settled | StoreFault | Invalid) -> SettledDocument:
    if isinstance(item, Invalid):
        return SettledDocument(job_id=item.job_id, status="invalid", errors=as_documents(item.faults))
    if isinstance(outcome, StoreFault):
        return SettledDocument(job_id=format_id(item.job_id), status=outcome.outcome, code=outcome.code.value)
    assert isinstance(outcome, Settled)
    return settled(item.job_id, outcome)


def settled(job_id: bytes, outcome: Settled) -> SettledDocument:
    """Return the outcome of one settle or extend."""
    return SettledDocument(
        job_id=format_id(job_id),
        status=outcome.status.value,
        state=UNSET if outcome.state is None else outcome.state.value,
        attempt=render.given(outcome.attempt),
        run_at=render.maybe_instant(outcome.run_at_ms),
        deadline=render.maybe_instant(outcome.deadline_ms),
        cancel_requested=True if outcome.cancel_requested else UNSET,
    )


def kept(outcome: SettledDocument) -> SettledDocument:
    """Return the outcome of an extend as a heartbeat tells it: of a live lease, first of all that it shall end."""
    if outcome.cancel_requested is True and outcome.status in ("ok", "late"):
        outcome.status = "cancel_requested"
    return outcome
