"""A list of settles is read as a whole, or item by item where one is faulty: with the same result for all others."""

import json
from typing import Any

import msgspec
import pytest
from headrace_server.api import completions
from headrace_server.api.faults import Reading
from headrace_server.api.verdicts import Invalid
from headrace_server.domain.jobs import Format
from headrace_server.domain.requests import Ack, Nack, Release, Snooze
from msgspec import Raw

ID = "01909c5e-6a52-7000-8a3f-0b6f1d2c3e{:02x}"
TOKEN = "7f3a1c0d9e8b4a5f6c7d8e9f0a1b2c{:02x}"
ERROR = {"type": "E", "message": "m"}
GOOD: list[dict[str, Any]] = [
    {"op": "ack"},
    {"op": "ack", "result": None},
    {"op": "ack", "result": {"deep": [[1.5, "ä"]]}, "result_ttl_ms": 5},
    {"op": "ack", "result_raw": b"x", "result_type": "image/png"},
    {"op": "nack", "error": ERROR},
    {"op": "nack", "error": {**ERROR, "details": {"a": 1}}, "retryable": False},
    {"op": "release", "reason": "r"},
    {"op": "snooze", "delay_ms": 7, "checkpoint": {"page": 1}},
]
DEEP = json.loads("[" * 33 + "]" * 33)
ENCODE = {Format.JSON: msgspec.json.encode, Format.MSGPACK: msgspec.msgpack.encode}


def proven(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items, each about a lease of its own."""
    return [{"job_id": ID.format(n), "token": TOKEN.format(n), **item} for n, item in enumerate(items)]


def read(items: list[dict[str, Any]], format: Format) -> list[Any]:
    raws = [Raw(ENCODE[format](item)) for item in items]
    return list(completions.read(raws, Reading(format, max_payload_bytes=64), "/items"))


@pytest.mark.parametrize("format", Format)
@pytest.mark.parametrize(
    ("bad", "pointer"),
    [
        ({"token": TOKEN.format(9).upper()}, "/items/8/token"),
        ({"token": TOKEN.format(9)[1:]}, "/items/8/token"),
        ({"token": TOKEN.format(9) + "\n"}, "/items/8/token"),
        ({"job_id": ID.format(9).upper()}, "/items/8/job_id"),
        ({"job_id": ID.format(9)[1:]}, "/items/8/job_id"),
        ({"result": "x" * 65}, "/items/8/result"),
        ({"result": DEEP}, "/items/8/result"),
        ({"result": 1, "result_raw": b"x", "result_type": "image/png"}, "/items/8/result_raw"),
        ({"op": "nack", "error": {**ERROR, "details": {"a": DEEP}}}, "/items/8/error/details"),
        ({"op": "extend"}, "/items/8/op"),
        ({"more": 1}, "/items/8/more"),
    ],
)
def test_the_others_are_the_same_whether_one_is_faulty(format: Format, bad: dict[str, Any], pointer: str) -> None:
    good = read(proven(GOOD), format)
    assert [type(item) for item in good] == [Ack, Ack, Ack, Ack, Nack, Nack, Release, Snooze]
    assert [item.job_id.hex()[-2:] for item in good] == [item.token.hex()[-2:] for item in good]
    *others, last = read([*proven(GOOD), {**proven([{"op": "ack"}] * 9)[8], **bad}], format)
    assert others == good
    assert isinstance(last, Invalid)
    assert [fault.pointer for fault in last.faults] == [pointer]


def test_two_wrong_lengths_do_not_make_up_for_each_other() -> None:
    first, second = proven([{"op": "ack"}] * 2)
    first["job_id"], second["job_id"] = first["job_id"] + second["job_id"][0], second["job_id"][1:]
    third, fourth = proven([{"op": "ack"}] * 2)
    third["token"], fourth["token"] = third["token"][:-1], third["token"][-1] + fourth["token"]
    for items in ([first, second], [third, fourth]):
        assert all(isinstance(item, Invalid) for item in read(items, Format.JSON))
