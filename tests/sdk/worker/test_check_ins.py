"""Check-ins of schedules: what Sentry's monitors are told, by whom, and how they are set up."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from headrace import Client, Leased, NewJob, RetryPolicy, State, Status
from headrace.leases import Ack, Completion, Nack, Settled, Snooze
from headrace.models import JobError, ScheduleSlot
from headrace.schedules import Schedule, ScheduleRecord
from headrace.words import ScheduleState
from headrace_worker import bounds, reporting
from headrace_worker.checkins import CheckIns
from headrace_worker.held import HeldJob
from headrace_worker.line import Line
from headrace_worker.monitors import SLUG_CHARS, CheckIn, Monitor, monitor_of, slug_of
from headrace_worker.monitors import Status as Slot
from headrace_worker.sentry import Reporter, ReportSettings

from tests.sdk.worker.conftest import END_S, MakeWorker, ended
from tests.support.sentry import DSN, Kept, SentryServer
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

APP = "tests.sdk.worker.leaking:app"
SECRET = "geheim-4711"
NOBODY = "http://127.0.0.1:9"
JOB = "01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f"
NIGHTLY = {"cron": "30 3 * * *", "timezone": "Europe/Berlin"}


def record(**timing: Any) -> ScheduleRecord:
    return ScheduleRecord(**{"name": "report", "state": ScheduleState.ACTIVE, "job": {}, **timing})


@pytest.mark.parametrize(
    ("timing", "schedule"),
    [
        (NIGHTLY, {"type": "crontab", "value": "30 3 * * *"}),
        ({"cron": "15 30 3 * * 1-5"}, {"type": "crontab", "value": "30 3 * * 1-5"}),
        ({"cron": "@Daily"}, {"type": "crontab", "value": "0 0 * * *"}),
        ({"every_ms": 60_000}, {"type": "interval", "value": 1, "unit": "minute"}),
        ({"every_ms": 90_000}, {"type": "interval", "value": 2, "unit": "minute"}),
        ({"every_ms": 7_200_000}, {"type": "interval", "value": 2, "unit": "hour"}),
        ({"every_ms": 86_400_000}, {"type": "interval", "value": 1, "unit": "day"}),
        ({"every_ms": 14 * 86_400_000}, {"type": "interval", "value": 2, "unit": "week"}),
    ],
)
def test_a_schedule_is_a_monitor(timing: dict[str, Any], schedule: dict[str, Any]) -> None:
    timezone = timing.get("timezone", "UTC")
    assert monitor_of(record(**timing)) == Monitor(slug="report", config={"schedule": schedule, "timezone": timezone})


@pytest.mark.parametrize(
    "timing", [{"cron": "*/10 * * * * *"}, {"every_ms": 59_999}, {"at": datetime(2026, 1, 2, tzinfo=UTC)}]
)
def test_what_comes_once_or_more_often_than_each_minute_is_none(timing: dict[str, Any]) -> None:
    assert monitor_of(record(**timing)) is None


def test_jitter_widens_the_margin() -> None:
    for jitter_ms, margin in ((0, None), (1, 2), (60_000, 2), (60_001, 3)):
        monitor = monitor_of(record(**NIGHTLY, jitter_ms=jitter_ms))
        assert monitor
        assert (monitor.config or {}).get("checkin_margin") == margin


def test_a_name_that_is_no_slug_gets_one_of_its_own() -> None:
    assert slug_of("nightly_report-2") == "nightly_report-2"
    others = ["Report", "report.daily", "r" * 51, "r" * 52, "4711", "report daily"]
    slugs = {slug_of(name) for name in others}
    assert len(slugs) == len(others)
    for slug in slugs:
        assert len(slug) <= SLUG_CHARS
        assert slug_of(slug) == slug, "it is one"


def held(job_id: str = JOB, took_ms: float | None = 250.0, schedule: str | None = "report") -> HeldJob:
    slot = None if schedule is None else ScheduleSlot(name=schedule, slot=datetime.now(UTC))
    facts: dict[str, Any] = {"task": "t", "queue": "q", "token": "0" * 32, "attempt": 1, "delivery": 1, "fence": 1}
    job = Leased(id=job_id, deadline=datetime.now(UTC), schedule=slot, **facts)
    return HeldJob(job=job, received=0.0, lease_s=30.0, deadline=30.0, took_ms=took_ms)


NACK = Nack(job_id=JOB, token="0", error=JobError())


@pytest.mark.parametrize(
    ("completion", "verdict", "told"),
    [
        (Ack(job_id=JOB, token="0"), {"state": State.SUCCEEDED}, "ok"),
        (NACK, {"state": State.DEAD}, "error"),
        (NACK, {"state": State.RETRYING}, None),
        (NACK, {"state": State.CANCELLED}, "error"),
        (Snooze(job_id=JOB, token="0", delay_ms=1), {"state": State.SCHEDULED}, None),
        (Ack(job_id=JOB, token="0"), {"status": Status.LEASE_LOST, "state": State.READY}, None),
    ],
)
def test_a_slot_ends_as_its_job_ends(completion: Completion, verdict: dict[str, Any], told: str | None) -> None:
    sent: list[CheckIn] = []
    check_ins = CheckIns(Line("w", NOBODY), lambda check_in, _: sent.append(check_in))
    check_ins.ended(held(), completion, Settled(**{"status": Status.OK, **verdict}))
    check_ins.ended(held(schedule=None), completion, Settled(**{"status": Status.OK, **verdict}))
    check_ins.flush()
    assert [(each.status, each.took_s) for each in sent] == ([(told, 0.25)] if told else [])


@pytest.mark.parametrize("is_closed", [False, True])
def test_where_the_server_cannot_be_asked_a_check_in_goes_without_the_setting_up(is_closed: bool) -> None:
    sent: list[tuple[str, Monitor]] = []

    async def tell() -> None:
        line = Line("w", NOBODY)
        if is_closed:
            await line.close()
        check_ins = CheckIns(line, lambda check_in, monitor: sent.append((check_in.status, monitor)))
        check_ins.begun([held().job, held(schedule=None).job])
        running = asyncio.create_task(check_ins.run())
        while not sent:
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await line.close()

    asyncio.run(asyncio.wait_for(tell(), END_S))
    assert sent == [("in_progress", Monitor(slug="report"))]


def test_what_is_on_its_way_when_the_worker_ends_is_told_all_the_same() -> None:
    sent: list[CheckIn] = []

    async def end() -> None:
        asked, answer = asyncio.Event(), asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.set()
            await answer.wait()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        line = Line("w", f"http://{host}:{port}")
        check_ins = CheckIns(line, lambda check_in, _: sent.append(check_in))
        check_ins.begun([held().job])
        running = asyncio.create_task(check_ins.run())
        await asked.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        check_ins.flush()
        answer.set()
        await line.close()
        server.close()
        await server.wait_closed()

    asyncio.run(asyncio.wait_for(end(), END_S))
    assert [each.status for each in sent] == [Slot.IN_PROGRESS]


def test_more_than_there_is_room_for_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[CheckIn] = []
    check_ins = CheckIns(Line("w", NOBODY), lambda check_in, _: sent.append(check_in))
    check_ins.begun([held().job] * (bounds.CHECK_INS + 1))
    check_ins.flush()
    assert len(sent) == bounds.CHECK_INS
    assert [record.message for record in caplog.records] == ["a check-in was left out"]


def test_the_names_that_somebody_chose_check_in_and_no_others() -> None:
    for chosen, expected in (("*", 2), ("report*, other", 1), ("", 0)):
        settings = ReportSettings.read({"HEADRACE_SENTRY_DSN": DSN, "HEADRACE_SENTRY_CRONS": chosen})
        assert settings
        kept = Kept()
        reporter = Reporter(settings, transport=kept)
        for name in ("report-1", "Report"):
            reporter.check_in(CheckIn(schedule=name, job_id=JOB, status=Slot.IN_PROGRESS), Monitor(slug=name))
        reporter.close()
        assert len(kept.events("check_in")) == expected


def test_nobody_checks_in_without_a_dsn() -> None:
    reporting.use(None)
    assert reporting.teller() is None
    check_ins = CheckIns(Line("w", NOBODY), None)
    check_ins.begun([held().job])
    check_ins.flush()


@contextmanager
def scheduled(client: Client, name: str, job: NewJob) -> Iterator[str]:
    """A schedule that comes by itself at night, and whenever it is triggered."""
    client.put_schedule(name, Schedule(job=job, cron="30 3 * * *", timezone="Europe/Berlin"))
    try:
        yield name
    finally:
        client.delete_schedule(name)


def test_a_worker_checks_in_for_the_slots_that_it_works_on(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
) -> None:
    sentry = SentryServer()
    twice = RetryPolicy(max_attempts=2, initial_ms=10, jitter=False)
    good = NewJob(task="quiet", queue=queue, meta={"note": SECRET})
    bad = NewJob(task="leak", payload=[SECRET], queue=queue, retry=twice, tags={"tenant": SECRET})
    try:
        worker = make_worker(shared_server.url, app=APP, env={"HEADRACE_SENTRY_DSN": sentry.dsn})
        with scheduled(client, f"{queue}-good", good) as first, scheduled(client, f"{queue}-BAD", bad) as second:
            jobs = {name: client.trigger_schedule(name).job_id or "" for name in (first, second)}
            assert ended(client, jobs[first]).state is State.SUCCEEDED
            assert ended(client, jobs[second]).state is State.DEAD
            ended(client, client.enqueue("quiet", queue=queue).id)  # of no schedule
            told = eventually(lambda: _by_slug(sentry, 2, 3), END_S, "all check-ins are there") or {}
            assert worker.terminate() == 0
    finally:
        sentry.close()
    assert set(told) == {slug_of(first), slug_of(second)}
    assert [each["status"] for each in told[first]] == ["in_progress", "ok"]
    assert [each["status"] for each in told[slug_of(second)]] == ["in_progress", "in_progress", "error"]
    for slug, name in ((first, first), (slug_of(second), second)):
        assert {each["check_in_id"] for each in told[slug]} == {jobs[name].replace("-", "")}
        config = {"schedule": {"type": "crontab", "value": "30 3 * * *"}, "timezone": "Europe/Berlin"}
        assert [each["monitor_config"] for each in told[slug]] == [config] * len(told[slug])
    assert told[first][-1]["duration"] > 0
    assert not any(SECRET.encode() in envelope for envelope in sentry.wire)


def _by_slug(sentry: SentryServer, *counts: int) -> dict[str, list[dict[str, Any]]] | None:
    """Return the check-ins of each monitor, once there are so many."""
    found: dict[str, list[dict[str, Any]]] = {}
    for each in sentry.events("check_in"):
        found.setdefault(each["monitor_slug"], []).append(each)
    return found if sorted(map(len, found.values())) == sorted(counts) else None
