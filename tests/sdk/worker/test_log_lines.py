"""The worker's log: one line for what became of each job, and no payload, result or message of an error in it."""

import io
import json
import logging
import sys
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from headrace import Client, NewJob, Request, RetryPolicy, lines
from headrace.context import CURRENT
from headrace_server.telemetry import lines as servers
from headrace_worker.log import LineFormatter

from tests.sdk.worker.conftest import END_S, MakeWorker, WorkerProcess, ended
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

SECRET = "geheim-4711"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def record(message: str, **facts: Any) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "headrace.worker", "levelno": 20, "levelname": "INFO", "msg": message})
    made.facts = facts
    return made


def of_job(worker: WorkerProcess, job_id: str) -> list[dict[str, Any]]:
    """Return what the log says of a job, as JSON; every line of it must be one."""
    found = [json.loads(line) for line in worker.text().splitlines()]
    return [line for line in found if line.get("headrace.job.id") == job_id]


def said(worker: WorkerProcess, job_id: str, last: str) -> list[str]:
    """Return the level and message of each line about a job, once the last one is there."""
    eventually(lambda: last in [line["message"] for line in of_job(worker, job_id)], END_S, last)
    return [f"{line['log.level']}: {line['message']}" for line in of_job(worker, job_id)]


def test_each_end_of_a_job_is_one_line_with_all_that_is_known(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    worker = make_worker(
        shared_server.url, "--log-format", "json", "--name", "w-7", env={"HEADRACE_TOKEN": "t0ken-xyz"}
    )
    trace = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    good = client.enqueue("mark", [str(tmp_path / "done"), SECRET], queue=queue, trace=trace)
    bad = client.enqueue("one_argument", [SECRET, SECRET], queue=queue)
    retry = RetryPolicy(max_attempts=2, initial_ms=10, jitter=False)
    again = client.enqueue_batch([NewJob(task="raise_system_exit", queue=queue, retry=retry)]).jobs[0]
    for job in (good, bad, again):
        ended(client, job.id)
    assert said(worker, good.id, "job succeeded") == ["debug: job started", "info: job succeeded"]
    assert said(worker, bad.id, "job dead") == ["debug: job started", "error: job dead"]
    assert said(worker, again.id, "job dead") == [
        "debug: job started",
        "warning: job failed, will be retried",
        "debug: job started",
        "error: job dead",
    ]
    line = of_job(worker, good.id)[-1]
    assert (line["headrace.job.task"], line["headrace.job.queue"], line["headrace.job.attempt"]) == ("mark", queue, 1)
    assert (line["headrace.worker.id"], line["trace.id"]) == ("w-7", TRACE)
    assert 0 < line["event.duration"] < END_S * 1e9
    assert [of_job(worker, job.id)[-1]["error.type"] for job in (bad, again)] == ["TypeError", "SystemExit"]
    assert worker.terminate() == 0
    assert SECRET not in worker.text()
    assert "t0ken-xyz" not in worker.text()


def test_both_packages_write_the_same_lines() -> None:
    fields = {"ts": "2026-01-02T03:04:05.678Z", "level": "info", "logger": "l", "msg": "m", "n": 3, "s": "a b"}
    assert lines.logfmt(fields) == servers.logfmt(fields)
    assert lines.text(fields) == servers.text(fields) == '03:04:05.678 INFO    m  n=3 s="a b"'
    ours, theirs = json.loads(lines.ecs(fields, service="worker")), json.loads(servers.ecs(fields))
    own = {"service.name", "event.dataset"}
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if ours[name] != theirs[name]} == own


def test_a_terminal_gets_text_and_everything_else_logfmt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert (
        LineFormatter("auto").format(record("hello", n=1)).endswith("level=info logger=headrace.worker msg=hello n=1")
    )
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert LineFormatter("auto").format(record("hello", n=1)).endswith("INFO    hello  n=1")


def test_secrets_of_the_worker_never_appear() -> None:
    for format in ("json", "logfmt", "text"):
        line = LineFormatter(format, secrets=['to"ken']).format(record('with to"ken', url='http://u:to"ken@h'))
        assert 'to"ken' not in line
        assert 'to\\"ken' not in line


def test_what_a_task_logs_says_for_which_job() -> None:
    request = Request(
        id="j-1", task="t", queue="q", attempt=2, trace={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    )
    theirs = logging.makeLogRecord({"name": "shop", "levelno": 30, "levelname": "WARNING", "msg": "odd"})

    def inside() -> str:
        CURRENT.set(request)
        return LineFormatter("logfmt", "w-7").format(theirs)

    expected = f"logger=shop msg=odd job=j-1 task=t queue=q attempt=2 trace={TRACE} worker=w-7"
    assert copy_context().run(inside).endswith(expected)
    assert LineFormatter("logfmt", "w-7").format(theirs).endswith("logger=shop msg=odd worker=w-7")
