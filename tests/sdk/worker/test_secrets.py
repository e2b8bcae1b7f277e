"""A secret in every argument of a task that fails in every way: no report and no span of the run holds it."""

import asyncio
import contextvars
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from headrace import (
    App,
    Cancelled,
    Discard,
    MaxRetriesExceeded,
    Reject,
    Request,
    Retry,
    Snooze,
    SoftTimeLimitExceeded,
    current,
)
from headrace_worker import registry, reporting
from headrace_worker.outcome import Kind
from headrace_worker.run import arun, run
from headrace_worker.sentry import Reporter, ReportSettings
from headrace_worker.soft import Alarms
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.support.otel import recording
from tests.support.sentry import DSN, Kept

SECRET = "geheim-4711"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
app = App()
async_app = App()
Fail = Callable[[Any], object]


class Talkative(Exception):
    """Holds what it was made of wherever an error can, and shows it whenever it is asked."""

    def __init__(self, value: Any) -> None:
        super().__init__(value)
        self.value = value
        self.add_note(repr(value))

    def __str__(self) -> str:
        return f"no {self.value}"

    __repr__ = __str__


class Broken(Exception):
    def __str__(self) -> str:
        raise ValueError(*self.args)


def raising(make: Callable[[Any], BaseException]) -> Fail:
    def fail(value: Any) -> object:
        local = {"copy": value}
        raise make(local["copy"])

    return fail


def in_a_chain(value: Any) -> object:
    try:
        raising(Talkative)(value)
    except Talkative as error:
        raise RuntimeError(value) from error


def in_a_context(value: Any) -> object:
    try:
        return {}[value]
    except KeyError:
        return int(value)


def in_a_group(value: Any) -> object:
    raise ExceptionGroup(value, [Talkative(value), ExceptionGroup(value, [KeyError(value)])])


def returns_what_cannot_be_written(value: Any) -> object:
    return Talkative(value)


def retries(value: Any) -> object:
    try:
        return in_a_chain(value)
    except RuntimeError as error:
        raise Retry(value, exc=error, countdown=1) from error


# How a run ends, by the name of the task.
WAYS: dict[str, tuple[Fail, Kind]] = {
    "talkative": (raising(Talkative), Kind.FAILED),
    "broken": (raising(Broken), Kind.FAILED),
    "system_exit": (raising(SystemExit), Kind.FAILED),
    "soft_limit": (raising(SoftTimeLimitExceeded), Kind.FAILED),
    "reject": (raising(Reject), Kind.FAILED),
    "spent": (raising(lambda value: MaxRetriesExceeded(value, exc=Talkative(value))), Kind.FAILED),
    "cancelled": (raising(Cancelled), Kind.FAILED),
    "retry": (retries, Kind.FAILED),
    "chain": (in_a_chain, Kind.FAILED),
    "context": (in_a_context, Kind.FAILED),
    "group": (in_a_group, Kind.FAILED),
    "unwritable": (returns_what_cannot_be_written, Kind.FAILED),
    "deep": (lambda value: sys.exit(current().kwargs.get("value", value)), Kind.FAILED),
    "discard": (raising(Discard), Kind.DISCARDED),
    "given_back": (raising(lambda value: Reject(value, requeue=True)), Kind.GIVEN_BACK),
    "snooze": (raising(lambda value: Snooze(5, reason=value, checkpoint=value)), Kind.SNOOZED),
    "returned": (lambda value: value, Kind.RETURNED),
}
# Payloads that no run comes of.
UNFIT: dict[str, Any] = {
    "wants_an_instant": {"value": SECRET},
    "wants_nothing": [SECRET],
    "wants_a_name": {SECRET: 1},
}


@app.task(name="wants_an_instant")
def wants_an_instant(value: datetime) -> None: ...


@app.task(name="wants_nothing")
def wants_nothing() -> None: ...


@app.task(name="wants_a_name")
def wants_a_name(value: int) -> None: ...


def _define(name: str, fail: Fail) -> None:
    async def acts(value: Any, *more: Any) -> object:
        return fail(value)

    def act(value: Any, *more: Any) -> object:
        return fail(value)

    app.task(name=name, max_retries=0)(act)
    async_app.task(name=name, max_retries=0)(acts)


for _name, (_fail, _) in WAYS.items():
    _define(_name, _fail)


@pytest.fixture
def sentry() -> Iterator[Kept]:
    """All that can be told is told: every failure, and every run as a span."""
    settings = ReportSettings.read({"HEADRACE_SENTRY_DSN": DSN, "HEADRACE_SENTRY_FAILURES": "every"})
    assert settings
    kept = Kept()
    reporter = Reporter(settings, transport=kept)
    reporting.use(reporter)
    yield kept
    reporting.use(None)
    reporter.close()


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    with recording() as kept:
        yield kept


def request(name: str, payload: Any) -> Request:
    return Request(
        id="01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f",
        task=name,
        queue="q",
        payload=payload,
        meta={"note": SECRET, "headrace": {"headers": {"x": SECRET}}},
        trace={
            "traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01",
            "baggage": f"user={SECRET}",
        },
        last_checkpoint=SECRET,
    )


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("name", WAYS)
def test_no_way_for_a_run_to_end_tells_its_arguments(
    sentry: Kept, spans: InMemorySpanExporter, name: str, is_async: bool
) -> None:
    handler = registry.handlers(async_app if is_async else app)[name]
    for payload in ([SECRET], {"value": SECRET}, [SECRET, {"deep": [SECRET]}]):
        asked = request(name, payload)
        outcome = asyncio.run(arun(handler, asked)) if is_async else _apart(handler, asked)
        assert outcome.kind is WAYS[name][1]
    failed = WAYS[name][1] is Kind.FAILED
    assert len(sentry.events("event")) == (3 if failed else 0)
    assert len(sentry.events("transaction")) == 3
    _hold_nothing(sentry, spans, runs=3)


@pytest.mark.parametrize("name", UNFIT)
def test_a_payload_that_does_not_fit_is_told_without_what_is_in_it(
    sentry: Kept, spans: InMemorySpanExporter, name: str
) -> None:
    outcome = _apart(registry.handlers(app)[name], request(name, UNFIT[name]))
    assert (outcome.kind, outcome.error_type) == (Kind.FAILED, "TypeError")
    assert len(sentry.events("event")) == 1
    _hold_nothing(sentry, spans, runs=1)


def test_a_message_that_somebody_wants_is_seen_in_the_envelope() -> None:
    settings = ReportSettings.read({"HEADRACE_SENTRY_DSN": DSN, "HEADRACE_SENTRY_MESSAGES": "1"})
    assert settings
    kept = Kept()
    reporter = Reporter(settings, transport=kept)
    reporting.use(reporter)
    _apart(registry.handlers(app)["talkative"], request("talkative", [SECRET]))
    reporting.use(None)
    reporter.close()
    assert any(SECRET.encode() in envelope for envelope in kept.wire), "so the others were looked at"


def _apart(handler: registry.Handler, asked: Request) -> Any:
    """Run a function as the worker does, in a context of its own."""
    return contextvars.Context().run(run, handler, asked, Alarms())


def _hold_nothing(sentry: Kept, spans: InMemorySpanExporter, *, runs: int) -> None:
    assert not any(SECRET.encode() in envelope for envelope in sentry.wire)
    finished = spans.get_finished_spans()
    assert len(finished) == runs
    for span in finished:
        assert SECRET not in span.to_json()
