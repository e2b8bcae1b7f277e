"""Values kept as bytes: their checks and their other format."""

import json
import math
from typing import Any

import msgpack
import pytest
from headrace_server.api.payloads import Unwritable, as_json_object, payload_fault, to_msgpack, transcode
from headrace_server.domain.jobs import Format
from hypothesis import given
from hypothesis import strategies as st

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(("depth", "fits"), [(1, True), (32, True), (33, False), (400, False)])
def test_depth_is_counted_alike_in_both_formats(depth: int, fits: bool) -> None:
    value = _nested(depth)
    assert (payload_fault(json.dumps(value).encode(), Format.JSON) is None) == fits
    assert (payload_fault(msgpack.packb(value), Format.MSGPACK) is None) == fits


def test_brackets_inside_texts_do_not_count() -> None:
    assert payload_fault(json.dumps(["[" * 100, '\\"[[', {"{{{": "]"}] * 40).encode(), Format.JSON) is None


def test_many_siblings_are_not_deep() -> None:
    assert payload_fault(json.dumps([[{}, []]] * 5_000).encode(), Format.JSON) is None


@given(
    st.recursive(st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
)
def test_a_deep_path_is_found_wherever_it_is(value: Any) -> None:
    deep = [value, _nested(40), value]
    assert payload_fault(json.dumps(deep).encode(), Format.JSON) is not None
    assert payload_fault(msgpack.packb(deep), Format.MSGPACK) is not None


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused_in_msgpack(number: float) -> None:
    assert payload_fault(msgpack.packb({"a": [1.5, number]}), Format.MSGPACK) == "holds NaN or infinity"
    assert payload_fault(msgpack.packb([number], use_single_float=True), Format.MSGPACK) == "holds NaN or infinity"


@pytest.mark.parametrize("value", [{1: 2}, {(1, 2): {b"k": 1}}, msgpack.ExtType(4, b"\xff"), b"\xff\xfe", 2**64 - 1])
def test_all_other_msgpack_is_fine(value: Any) -> None:
    assert payload_fault(msgpack.packb(value), Format.MSGPACK) is None


def test_broken_text_in_msgpack_is_refused() -> None:
    assert "not valid msgpack" in (payload_fault(b"\xa2\xc3\x28", Format.MSGPACK) or "")


@given(JSON_VALUES)
def test_json_goes_to_msgpack_and_back_unchanged(value: Any) -> None:
    packed = transcode(json.dumps(value).encode(), Format.JSON)
    assert msgpack.unpackb(packed) == value
    assert json.loads(transcode(packed, Format.MSGPACK)) == value


@given(st.lists(JSON_VALUES, max_size=5))
def test_many_values_go_to_msgpack_in_their_order(values: list[Any]) -> None:
    assert [
        msgpack.unpackb(packed) for packed in to_msgpack([json.dumps(value).encode() for value in values])
    ] == values


def test_binary_reads_as_marked_text() -> None:
    found = json.loads(transcode(msgpack.packb({"a": [b"\x00\xff", {"b": b""}]}), Format.MSGPACK))
    assert found == {"a": [{"$bin": "AP8="}, {"b": {"$bin": ""}}]}


@pytest.mark.parametrize("value", [{1: 2}, [{None: 1}], msgpack.ExtType(4, b"x"), [msgpack.Timestamp(1)]])
def test_what_json_cannot_write(value: Any) -> None:
    with pytest.raises(Unwritable):
        transcode(msgpack.packb(value), Format.MSGPACK)


@pytest.mark.parametrize("text", [b"1e400", b"[-1e999]", b"18446744073709551616", b'{"a":-9223372036854775809}'])
def test_what_msgpack_cannot_write(text: bytes) -> None:
    with pytest.raises(Unwritable):
        transcode(text, Format.JSON)


@pytest.mark.parametrize(
    ("data", "format"),
    [
        (b"[]", Format.JSON),
        (b"1", Format.JSON),
        (b'{"a":1e999}', Format.JSON),
        (b'{"a":"' + b"x" * 16_384 + b'"}', Format.JSON),
        (b'{"a":' * 33 + b"1" + b"}" * 33, Format.JSON),
        (msgpack.packb({1: 2}), Format.MSGPACK),
        (msgpack.packb([1]), Format.MSGPACK),
    ],
)
def test_meta_is_a_small_object_that_both_formats_can_write(data: bytes, format: Format) -> None:
    with pytest.raises(Unwritable):
        as_json_object(data, format)


def test_meta_keeps_its_json_bytes() -> None:
    assert as_json_object(b'{ "a" : 1.0 }', Format.JSON) == b'{ "a" : 1.0 }'
