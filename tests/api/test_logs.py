"""Structured logs: one line, no secrets."""

import io
import json
import logging
import re
import sys

import pytest
from headrace_server.telemetry.logs import FLOOD_LINES, FLOOD_S, Flood, LineFormatter

from tests.api.conftest import Api


def _record(message: str, **extra: object) -> logging.LogRecord:
    record = logging.makeLogRecord({"name": "headrace", "levelno": 20, "levelname": "INFO", "msg": message})
    record.__dict__.update(extra)
    return record


def test_a_line_of_logfmt() -> None:
    line = LineFormatter("logfmt", []).format(_record('say "hi"\nthere', path="/v1/jobs", n=3, empty="", odd="a=b c"))
    assert line.split(" ", 1)[1] == (
        'level=info logger=headrace msg="say \\"hi\\"\\nthere" path=/v1/jobs n=3 empty="" odd="a=b c"'
    )
    assert line.startswith("ts=")


def test_a_line_of_json_has_the_names_of_ecs() -> None:
    facts = {"method": "PUT", "path": "/v1/queues/q", "request_id": "r1", "status": 200, "took_ms": 1.5, "shard": 3}
    found = json.loads(LineFormatter("json", []).format(_record("putQueue", **facts)))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("@timestamp"))
    assert found == {
        "log.level": "info",
        "log.logger": "headrace",
        "message": "putQueue",
        "http.request.method": "PUT",
        "http.request.id": "r1",
        "http.response.status_code": 200,
        "url.path": "/v1/queues/q",
        "event.duration": 1_500_000,
        "headrace.shard": 3,
        "ecs.version": "8.11.0",
        "service.name": "headrace-server",
        "event.dataset": "headrace.server",
    }


def test_a_line_for_a_terminal() -> None:
    line = LineFormatter("text", []).format(_record("two\nlines", path="/v1/jobs", created=0.25))
    assert line == '00:00:00.250 INFO    "two\\nlines"  path=/v1/jobs'


def test_a_terminal_gets_text_and_everything_else_logfmt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert LineFormatter("auto", []).format(_record("x")).startswith("ts=")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert LineFormatter("auto", []).format(_record("x")).endswith("INFO    x")


def test_an_exception_stays_on_its_line() -> None:
    record = _record("broken")
    try:
        raise ValueError("inside")
    except ValueError as fault:
        record.exc_info = (ValueError, fault, fault.__traceback__)
    for format in ("json", "logfmt"):
        line = LineFormatter(format, []).format(record)
        assert "ValueError" in line
        assert "\n" not in line


def _failed(level: int) -> str:
    record = _record("broken", levelno=level)
    try:
        try:
            raise KeyError("geheim")
        except KeyError as cause:
            raise ExceptionGroup("geheim", [ValueError("geheim")]) from cause
    except ExceptionGroup as fault:
        record.exc_info = (type(fault), fault, fault.__traceback__)
    return LineFormatter("text", []).format(record)


def test_the_stack_of_a_fault_has_no_messages_where_they_may_repeat_what_clients_sent() -> None:
    line = _failed(logging.ERROR)
    assert "geheim" not in line.replace('KeyError("geheim")', "").replace('("geheim", [ValueError("geheim")])', "")
    assert line.endswith('[ValueError("geheim")]) from cause\nExceptionGroup'), "the source is no message"
    assert line.count("Traceback (most recent call last)") == 2, "of the group, and of the fault in it"


def test_the_message_of_a_fault_that_ends_the_process_is_shown_and_every_one_at_debug(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert "KeyError: 'geheim'" in _failed(logging.CRITICAL)
    caplog.set_level(logging.DEBUG)
    assert "KeyError: 'geheim'" in _failed(logging.ERROR)


def test_secrets_never_appear() -> None:
    record = _record("token s3cret", url="redis://u:pa55@host/0", nested={"t": "s3cret-longer"})
    for format in ("json", "logfmt", "text"):
        line = LineFormatter(format, ["s3cret", "pa55", "s3cret-longer", ""]).format(record)
        assert "s3cret" not in line
        assert "pa55" not in line
        assert "redis://u:***@host/0" in line
        assert "longer" not in line


def test_a_secret_is_found_in_the_form_that_json_gives_it() -> None:
    line = LineFormatter("json", ['a"b\\c']).format(_record('token a"b\\c'))
    assert json.loads(line)["message"] == "token ***"


async def test_what_an_operator_does_leaves_one_line_and_the_traffic_of_jobs_none(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="headrace_server")
    await api.enqueue(payload=["geheim"])
    await api.lease()
    await api.http.post("/v1/queues/default/pause", json={}, headers={"x-request-id": "mine"})
    await api.http.post("/v1/queues/never!/pause", json={})
    await api.get("/v1/queues")
    [line] = [r for r in caplog.records if r.name == "headrace_server.api.application"]
    found = json.loads(LineFormatter("json", []).format(line))
    assert (found["message"], found["url.path"]) == ("pauseQueue", "/v1/queues/default/pause")
    assert (found["http.request.id"], found["http.response.status_code"]) == ("mine", 200)
    assert "geheim" not in caplog.text


def _warning(second: float, **extra: object) -> logging.LogRecord:
    return _record("store fault", levelno=logging.WARNING, created=second, **extra)


def test_a_flood_of_one_kind_is_counted_instead_of_written() -> None:
    flood = Flood()
    passed = [flood.filter(_warning(n / 100, code="store_unreachable")) for n in range(900)]
    assert passed == [True] * FLOOD_LINES + [False] * (900 - FLOOD_LINES)
    after = _warning(FLOOD_S, code="store_unreachable")
    assert flood.filter(after)
    assert f"left_out={900 - FLOOD_LINES}" in LineFormatter("logfmt", []).format(after)


def test_a_flood_hides_no_other_kind_and_nothing_below_a_warning() -> None:
    flood = Flood()
    for _ in range(FLOOD_LINES + 1):
        flood.filter(_warning(1.0, code="store_unreachable"))
    assert not flood.filter(_warning(1.0, code="store_unreachable"))
    assert flood.filter(_warning(1.0, code="store_full"))
    assert all(flood.filter(_record("request", created=1.0)) for _ in range(FLOOD_LINES + 1))


def test_no_line_says_that_nothing_was_left_out() -> None:
    flood = Flood()
    for second in (0.0, FLOOD_S, 2 * FLOOD_S):
        record = _warning(second)
        assert flood.filter(record)
        assert not hasattr(record, "left_out")
