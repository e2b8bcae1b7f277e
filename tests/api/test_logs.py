"""Structured logs: one line, no secrets."""

import json
import logging

from headrace_server.telemetry.logs import FLOOD_LINES, FLOOD_S, Flood, LineFormatter


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
