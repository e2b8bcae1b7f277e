"""What makes two jobs the same to `unique`: the digest, which is all that the store ever sees of it."""

from typing import Any

import msgspec
import pytest
from headrace_server.api import build, parse, shapes
from headrace_server.api.faults import Reading
from headrace_server.api.problems import Problem
from headrace_server.domain.jobs import Format, OnConflict, Unique, UniqueUntil

READING = Reading(Format.JSON, 1024)


def unique(fields: dict[str, Any], format: Format = Format.JSON) -> Unique:
    encode = msgspec.json.encode if format is Format.JSON else msgspec.msgpack.encode
    given = parse.body(shapes.JobInput, encode({"task": "t", **fields}), Reading(format, 1024))
    found = build.new_job(given, bytes(16), format, None).unique
    assert found is not None
    return found


def digest(**fields: Any) -> bytes:
    return unique(fields).digest


KEY = {"key": "k"}
ALL = {"by": ["queue", "task", "payload"]}


def test_a_key_is_that_of_its_group_of_queues() -> None:
    assert digest(unique=KEY, queue="mail.high") == digest(unique=KEY, queue="mail.low", task="u", payload=5)
    assert digest(unique=KEY, queue="mail") != digest(unique=KEY, queue="news")
    assert digest(unique=KEY) != digest(unique={"key": "l"})


@pytest.mark.parametrize("other", [{"queue": "a.c"}, {"task": "u"}, {"payload": [1, 3]}])
def test_chosen_fields_are_told_apart_and_others_are_not(other: dict[str, Any]) -> None:
    job: dict[str, Any] = {"queue": "a.b", "payload": [1, 2]}
    [field] = other
    rest = [by for by in ALL["by"] if by != field]
    assert digest(**job, unique=ALL) != digest(**{**job, **other}, unique=ALL)
    assert digest(**job, unique={"by": rest}) == digest(**{**job, **other}, unique={"by": rest})


def test_the_order_of_the_fields_says_nothing() -> None:
    assert digest(unique={"by": ["task", "queue"]}) == digest(unique={"by": ["queue", "task"]})


def test_a_value_is_never_taken_for_that_of_another_field() -> None:
    assert digest(queue="a", task="b", unique={"by": ["queue"]}) != digest(queue="a", task="a", unique={"by": ["task"]})
    assert digest(unique={"key": "task"}) != digest(task="task", unique={"by": ["task"]})


def test_raw_payloads_are_compared_with_their_type() -> None:
    raw = {"payload_raw": "AA==", "payload_type": "a/b"}
    by = {"by": ["payload"]}
    assert digest(**raw, unique=by) == digest(**raw, unique=by, task="u")
    assert digest(**raw, unique=by) != digest(payload_raw="AA==", payload_type="a/c", unique=by)
    assert digest(payload=7, unique=by) != digest(payload_raw="Nw==", payload_type="application/json", unique=by)


def test_payloads_are_compared_byte_by_byte_with_their_format() -> None:
    by = {"by": ["payload"]}
    bodies = [b'{"task":"t","unique":{"by":["payload"]},"payload":%s}' % text for text in (b"[1,2]", b"[1, 2]")]
    jobs = [build.new_job(parse.body(shapes.JobInput, body, READING), bytes(16), Format.JSON, None) for body in bodies]
    assert jobs[0].unique != jobs[1].unique
    # one and the same byte, 0x31: 49 in msgpack, 1 in JSON
    assert unique({"payload": 49, "unique": by}, Format.MSGPACK) != unique({"payload": 1, "unique": by})


def test_its_options_travel_with_it() -> None:
    plain = unique({"unique": KEY})
    assert (plain.until, plain.ttl_ms, plain.on_conflict) == (UniqueUntil.FINISH, None, OnConflict.RETURN)
    full = unique({"unique": {"key": "k", "until": "ttl", "ttl_ms": 5, "on_conflict": "replace"}})
    assert (full.until, full.ttl_ms, full.on_conflict) == (UniqueUntil.TTL, 5, OnConflict.REPLACE)
    assert full.digest == plain.digest


@pytest.mark.parametrize(
    ("given", "pointers"),
    [
        ({}, ["/unique"]),
        ({"key": "k", "by": ["task"]}, ["/unique/by"]),
        ({"by": []}, ["/unique/by"]),
        ({"by": ["task", "task"]}, ["/unique/by"]),
        ({"by": ["tags"]}, ["/unique/by/0"]),
        ({"key": "k", "until": "ttl"}, ["/unique/ttl_ms"]),
        ({"key": "k", "ttl_ms": 1}, ["/unique/ttl_ms"]),
        ({"key": "k", "until": "start", "ttl_ms": 1}, ["/unique/ttl_ms"]),
        (
            {"key": "k" * 256, "until": "ever", "on_conflict": "x"},
            ["/unique/key", "/unique/until", "/unique/on_conflict"],
        ),
    ],
)
def test_what_it_may_not_say_is_listed(given: dict[str, Any], pointers: list[str]) -> None:
    with pytest.raises(Problem) as caught:
        unique({"unique": given})
    assert [fault.pointer for fault in caught.value.errors] == pointers
