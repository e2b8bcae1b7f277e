"""The two paths of parsing must agree: what the typed decoder refuses has listed faults, and the reverse."""

from typing import Any

import msgpack
import msgspec
import pytest
from headrace_server.api import parse, shapes
from headrace_server.api.faults import Reading, list_faults
from headrace_server.api.problems import Problem
from headrace_server.api.verdicts import Invalid
from headrace_server.domain.jobs import Format
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

JSON = Reading(Format.JSON, 1024)
MSGPACK = Reading(Format.MSGPACK, 1024)
BODIES = [
    shapes.JobInput,
    shapes.BatchInput,
    shapes.LeaseInput,
    shapes.AckInput,
    shapes.NackInput,
    shapes.ReleaseInput,
    shapes.SnoozeInput,
    shapes.ExtendInput,
    shapes.CancelInput,
    shapes.RetryInput,
    shapes.PatchInput,
    shapes.CompletionsInput,
    shapes.HeartbeatInput,
    shapes.HeartbeatItem,
    shapes.Unique,
    shapes.QueueSettingsInput,
    shapes.PauseInput,
    shapes.PurgeInput,
    shapes.LimitInput,
    shapes.BackoffInput,
    shapes.FilterInput,
    shapes.OperationInput,
    shapes.ListQuery,
    shapes.EventsQuery,
    shapes.PageQuery,
]

# Values near the bounds of every field, and some of every wrong kind.
VALUES: list[Any] = [
    *(None, True, False, -1, 0, 1, 255, 256, 999, 1000, 43_200_000, 43_200_001, 2**53, 2**64, 1.5, 10, 10.5, 0.5),
    *("", "a", "a b", "a" * 128, "a" * 129, "a\n", "0" * 32, "0" * 33, "é", "linear", "2026-01-02T03:04:05Z"),
    *(
        "2026-01-02T03:04:05",
        "2026-13-02T03:04:05Z",
        [],
        [1],
        ["a"],
        {},
        {"id": "w"},
        {"factor": 2},
        {"max_attempts": 0},
    ),
    *(
        "start",
        "ttl",
        "replace",
        "hold",
        "discard",
        "hard",
        "dead",
        "move",
        "a:b",
        "a:" * 8,
        "aGk=",
        "aGk",
        "image/png",
    ),
    *(
        ["dead"],
        ["ready", "x"],
        ["a", "a"],
        ["task", "payload"],
        ["task", "task"],
        ["a:b", "a:b:" * 3],
        [""],
        ["é" * 200],
    ),
    *({"key": "k"}, {"by": ["task"]}, {"key": "k", "by": ["task"]}, {"key": "k", "until": "ttl"}, {"by": []}),
    *(
        {"key": "k", "until": "ttl", "ttl_ms": 1},
        {"by": ["queue"], "ttl_ms": 1},
        {"count": 1, "per_ms": 1},
        {"count": 0},
    ),
    *({"a": "b"}, {"a b": "c"}, {"a": "\x00"}, {"a": 1}, {str(n): "v" for n in range(17)}, {"name": "a", "value": "b"}),
    *({"queue": "q"}, {"state": "dead"}, {"state": ["dead", "x"]}, {"state": []}, {"non_retryable": ["A*"]}),
    *({"type": "T", "message": "m"}, {"type": "T"}, [{}], {"details": 1, "type": "T", "message": "m"}, [[[[]]]]),
]


def _documents(shape: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, Any]]:
    names = [*shape.__struct_encode_fields__, "extra"]
    return st.dictionaries(st.sampled_from(names), st.sampled_from(VALUES), max_size=6)


@given(data=st.data(), shape=st.sampled_from(BODIES))
def test_both_paths_accept_and_refuse_the_same_json(data: st.DataObject, shape: type[msgspec.Struct]) -> None:
    body = msgspec.json.encode(data.draw(_documents(shape)))
    _agree(shape, body, JSON)


@given(data=st.data(), shape=st.sampled_from(BODIES))
def test_both_paths_accept_and_refuse_the_same_msgpack(data: st.DataObject, shape: type[msgspec.Struct]) -> None:
    document = {k: 0 if v == 2**64 else v for k, v in data.draw(_documents(shape)).items()}
    _agree(shape, msgpack.packb(document), MSGPACK)


@pytest.mark.parametrize("shape", BODIES)
def test_both_paths_agree_on_every_value_of_every_field(shape: type[msgspec.Struct]) -> None:
    for field in (*shape.__struct_encode_fields__, "extra"):
        for value in VALUES:
            _agree(shape, msgspec.json.encode({field: value}), JSON)


def _agree(shape: type[msgspec.Struct], body: bytes, reading: Reading) -> None:
    refusal = _refusal(shape, body, reading)
    listed = {fault.pointer for fault in list_faults(shape, body, reading)}
    assert (refusal is None) == (not listed)
    assert listed == {fault.pointer for fault in (refusal.errors if refusal else ())}


def _refusal(shape: type[msgspec.Struct], body: bytes, reading: Reading) -> Problem | None:
    try:
        parse.body(shape, body, reading)
    except Problem as problem:
        return problem
    return None


@given(body=st.binary(max_size=200))
def test_rubbish_is_refused_and_never_more_than_that(body: bytes) -> None:
    for reading in (JSON, MSGPACK):
        for shape in (shapes.JobInput, shapes.LeaseInput):
            with pytest.raises(Problem) as caught:
                parse.body(shape, body, reading)
            assert caught.value.status in (400, 422)


@given(
    body=st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_json_is_parsed_or_refused_with_pointers(body: Any) -> None:
    for shape in BODIES:
        refusal = _refusal(shape, msgspec.json.encode(body), JSON)
        assert refusal is None or (refusal.code == "invalid_request" and refusal.errors)


def test_a_fault_behind_which_the_body_breaks_off_is_a_broken_body() -> None:
    with pytest.raises(Problem) as caught:
        parse.body(shapes.JobInput, b'{"task": 3, "payload": [1, ', JSON)
    assert caught.value.code == "malformed_body"


def test_items_are_judged_one_by_one() -> None:
    token = "0" * 32
    raws = [
        Raw(b'{"op":"ack","job_id":"a","token":"%s"}' % token.encode()),
        Raw(b'{"op":"ack","job_id":"b"}'),
        Raw(b"1"),
    ]
    good, faulty, strange = parse.items(shapes.CompletionItem, raws, JSON, "/items")
    assert isinstance(good, shapes.AckItem)
    assert isinstance(faulty, Invalid)
    assert [fault.pointer for fault in faulty.faults] == ["/items/1/token"]
    assert (faulty.job_id, strange.job_id) == ("b", "")


@pytest.mark.parametrize("format", list(Format))
def test_payload_bytes_are_cut_out_exactly(format: Format) -> None:
    value = {"n": [1, -2.5, None, True, "é"], "deep": {"x": [[]]}}
    encode = msgspec.json.encode if format is Format.JSON else msgspec.msgpack.encode
    body = encode({"payload": value, "task": "t", "meta": {"a": 1}})
    found = parse.body(shapes.JobInput, body, Reading(format, 1024))
    assert isinstance(found.payload, Raw)
    assert bytes(found.payload) == encode(value)
