"""Structured logs: one line, no secrets."""

import json
import logging

from headrace_server.telemetry.logs import LineFormatter


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


def test_a_line_of_json() -> None:
    found = json.loads(LineFormatter("json", []).format(_record("hello", n=3)))
    assert (found["level"], found["msg"], found["n"]) == ("info", "hello", 3)
    assert found["ts"].endswith("Z")


def test_an_exception_stays_on_its_line() -> None:
    record = _record("broken")
    try:
        raise ValueError("inside")
    except ValueError as fault:
        record.exc_info = (ValueError, fault, fault.__traceback__)
    for format in ("json", "logfmt"):
        line = LineFormatter(format, []).format(record)
        assert "ValueError: inside" in line
        assert "\n" not in line


def test_secrets_never_appear() -> None:
    record = _record("token s3cret", url="redis://u:pa55@host/0", nested={"t": "s3cret-longer"})
    for format in ("json", "logfmt"):
        line = LineFormatter(format, ["s3cret", "pa55", "s3cret-longer", ""]).format(record)
        assert "s3cret" not in line
        assert "pa55" not in line
        assert "redis://u:***@host/0" in line
        assert "longer" not in line
