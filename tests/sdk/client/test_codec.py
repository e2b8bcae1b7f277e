"""Values as JSON and msgpack: what goes in comes out, and what cannot go in is named."""

import base64
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import msgpack  # type: ignore[import-untyped]
import pytest
from headrace import NotWritable, Raw
from headrace._codec import JSON, MSGPACK, Codec, codec_of, value_of
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(codec="utf-8"))
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=lambda c: c.name)
@given(value=VALUES)
def test_what_goes_in_comes_out(codec: Codec, value: Any) -> None:
    assert codec.decode(codec.encode(value)) == value


@given(size=st.integers(1, 9000), sign=st.sampled_from([1, -1]))
def test_json_carries_integers_of_any_size(size: int, sign: int) -> None:
    text = str(sign) + "0" * (size - 1)
    value = JSON.decode(f'{{"n":{text},"s":"x"}}'.encode())
    assert Decimal(value["n"]) == Decimal(text)
    assert value["s"] == "x"


def test_msgpack_carries_bytes() -> None:
    assert MSGPACK.decode(MSGPACK.encode({"b": b"\x00\xff"})) == {"b": b"\x00\xff"}


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    HIGH = 3


def test_enums_travel_as_their_values() -> None:
    assert JSON.encode([Colour.RED, Level.HIGH]) == b'["red",3]'


@pytest.mark.parametrize(
    ("value", "path", "way_out"),
    [
        ({"when": datetime(2026, 1, 2, tzinfo=UTC)}, "value['when']", "isoformat"),
        ({"day": date(2026, 1, 2)}, "value['day']", "isoformat"),
        ({"a": [1, {"b": b"x"}]}, "value['a'][1]['b']", "msgpack"),
        ([Decimal("1.5")], "0", "str"),
        ({"id": UUID(int=1)}, "id", "str"),
        ({"tags": {1, 2}}, "tags", "list"),
        ({"x": float("nan")}, "x", "NaN"),
        ({"x": float("-inf")}, "x", "NaN"),
        ({"x": "\ud800"}, "x", "surrogate"),
        ({"x": object()}, "x", "plain"),
        ({"x": 10**5000}, "x", "digits"),
    ],
)
def test_what_json_cannot_write_is_named_with_the_way_out(value: Any, path: str, way_out: str) -> None:
    with pytest.raises(NotWritable, match=way_out) as caught:
        JSON.encode({"value": value})
    assert path in str(caught.value)
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("value", [2**64, -(2**63) - 1, datetime(2026, 1, 2, tzinfo=UTC), {1}])
def test_what_msgpack_cannot_write_is_named_as_well(value: Any) -> None:
    with pytest.raises(NotWritable, match="value: msgpack cannot write"):
        MSGPACK.encode({"value": value})


def test_a_circle_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ValueError, match=r"[Cc]ircular|recursion"):
        JSON.encode(circle)


@pytest.mark.parametrize(
    ("media_type", "codec"),
    [
        ("application/json", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/problem+json", JSON),
        ("application/msgpack", MSGPACK),
        ("Application/VND.msgpack", MSGPACK),
        ("text/html", None),
        ("", None),
    ],
)
def test_a_content_type_names_its_codec(media_type: str, codec: Codec | None) -> None:
    assert codec_of(media_type) is codec


def test_a_raw_value_is_read_in_the_format_it_names() -> None:
    data = msgpack.packb({1: b"x"})
    assert value_of(data, "application/msgpack") == {1: b"x"}
    assert value_of(base64.b64encode(data).decode(), "application/msgpack") == {1: b"x"}


@pytest.mark.parametrize(
    ("data", "media_type"), [(b"<x/>", "text/xml"), (b"{", "application/json"), (b"\xc1", "application/msgpack")]
)
def test_one_odd_value_does_not_spoil_the_batch(data: bytes, media_type: str) -> None:
    assert value_of(data, media_type) == Raw(data, media_type)


def test_a_map_that_python_cannot_hold_comes_as_pairs() -> None:
    data = b"\x82\xa4jobs\x81\x91\x01\x02\xa1x\x03"  # {"jobs": {[1]: 2}, "x": 3}
    assert MSGPACK.decode(data) == {"jobs": [([1], 2)], "x": 3}
