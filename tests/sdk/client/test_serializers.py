"""How values travel: what comes back is what was sent, in words that any language has, and nothing is run unasked."""

import json
import pickle
import warnings
from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgpack
import pytest
from headrace import NotWritable, Raw
from headrace._tags import tagged, untagged
from headrace.errors import ContentRefused
from headrace.serializers import PickleAccepted, Serializer, Serializers
from hypothesis import example, given
from hypothesis import strategies as st

NOON = datetime(2026, 11, 1, 12, 0, 0, 250_000, tzinfo=UTC)
ONE = UUID("01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f")

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
CENTURY = timedelta(days=36_500)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
    st.datetimes(timezones=st.none() | ZONES),
    st.dates(),
    st.times(),
    st.timedeltas(-CENTURY, CENTURY),
    st.uuids(),
    st.decimals(allow_nan=False),
    st.binary(max_size=10),
)
KEYS = TEXTS | st.sampled_from(["$datetime", "$dict", "$set", "$bin", "$anything", "$"])
SETS = st.sets(SCALARS | st.tuples(SCALARS, SCALARS), max_size=4)
VALUES = st.recursive(
    SCALARS | SETS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=3)
)


class Colour(Enum):
    RED = "red"


class Size(IntEnum):
    BIG = 3


class Word(StrEnum):
    YES = "yes"


@dataclass
class Line:
    sku: str
    price: Decimal


@dataclass
class Order:
    lines: list[Line]
    due: datetime
    colour: Colour = Colour.RED
    total: int = field(default=5, init=False)


class Model:
    """What pydantic's models have."""

    def model_dump(self, *, mode: str, by_alias: bool, round_trip: bool) -> dict[str, Any]:
        assert (mode, by_alias, round_trip) == ("json", True, True)
        return {"at": "2026-11-01T12:00:00Z"}


@given(VALUES)
@example({"$dict": {"$set": [1]}})
@example([{"$bin": "no base64"}, {"$unknown": {"$uuid": "x"}}])
@pytest.mark.parametrize("name", ["json", "msgpack"])
def test_what_comes_back_is_what_was_sent(name: str, value: Any) -> None:
    serializers = Serializers()
    there = serializers.encode(value, name)
    assert serializers.decode(_carried(there)) == value


def _carried(content: Any) -> Any:
    """Return content as it is after a server and a client: JSON text, or a document in msgpack."""
    if isinstance(content, Raw):
        return msgpack.unpackb(content.data, strict_map_key=False)
    return json.loads(json.dumps(content, allow_nan=False))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (NOON, {"$datetime": "2026-11-01T12:00:00.250000Z"}),
        (NOON.replace(tzinfo=None, microsecond=0), {"$datetime": "2026-11-01T12:00:00"}),
        (NOON.astimezone(timezone(timedelta(hours=1))), {"$datetime": "2026-11-01T13:00:00.250000+01:00"}),
        (datetime(2026, 11, 1, 12, tzinfo=timezone(timedelta(seconds=90))), {"$datetime": "2026-11-01T11:58:30Z"}),
        (date(2026, 11, 1), {"$date": "2026-11-01"}),
        (time(12, 30), {"$time": "12:30:00"}),
        (timedelta(days=1, milliseconds=500), {"$duration": 86400.5}),
        (timedelta(hours=1), {"$duration": 3600}),
        (ONE, {"$uuid": "01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f"}),
        (Decimal("1.20"), {"$decimal": "1.20"}),
        (b"\x00\xff", {"$bin": "AP8="}),
        (bytearray(b"a"), {"$bin": "YQ=="}),
        (memoryview(b"a"), {"$bin": "YQ=="}),
        ({3, 1, 2}, {"$set": [1, 2, 3]}),
        (frozenset({"b", "a"}), {"$set": ["a", "b"]}),
        ({"$uuid": "x"}, {"$dict": {"$uuid": "x"}}),
        ({"$a": 1, "b": ONE}, {"$a": 1, "b": {"$uuid": str(ONE)}}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (OrderedDict(a=ONE), {"a": {"$uuid": str(ONE)}}),
        (namedtuple("Point", "x y")(1, 2), [1, 2]),
        ((1, (2,)), [1, [2]]),
        ([Colour.RED, Size.BIG, Word.YES], ["red", 3, "yes"]),
        ({Colour.RED: 1, ONE: 2, date(2026, 11, 1): 3, NOON: 4, 5: 6, Decimal("1.5"): 7, Word.YES: 8},
         {"red": 1, str(ONE): 2, "2026-11-01": 3, "2026-11-01T12:00:00.250000Z": 4, 5: 6, "1.5": 7, "yes": 8}),
        (Order([Line("a", Decimal(2))], NOON),
         {"lines": [{"sku": "a", "price": {"$decimal": "2"}}], "due": {"$datetime": "2026-11-01T12:00:00.250000Z"},
          "colour": "red", "total": 5}),
        (Model(), {"at": "2026-11-01T12:00:00Z"}),
    ],
)  # fmt: skip
def test_a_value_is_written_in_words_of_any_language(value: Any, written: Any) -> None:
    assert tagged(value) == written
    assert json.loads(json.dumps(tagged(value))) == json.loads(json.dumps(written))


def test_equal_sets_have_equal_bytes() -> None:
    assert tagged(set("hgfedcba")) == {"$set": list("abcdefgh")}, "in every process, whatever its hashes are"


def test_msgpack_keeps_bytes_and_reads_timestamps_of_others() -> None:
    assert tagged([b"\x00", ONE], binary=True) == [b"\x00", {"$uuid": str(ONE)}]
    assert untagged([msgpack.Timestamp.from_datetime(NOON)]) == [NOON]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, object()]}, r"payload\['a'\]\[1\]: JSON cannot write this object"),
        ([{(1, 2): 3}], r"payload\[0\]\['\(1, 2\)'\]: JSON, as a key, cannot write this tuple"),
        (len, "payload: JSON cannot write this builtin_function_or_method"),
    ],
)
def test_what_has_no_plain_form_is_named(value: Any, message: str) -> None:
    with pytest.raises(NotWritable, match=message):
        Serializers().encode(value)


def test_msgpack_names_what_it_cannot_write() -> None:
    with pytest.raises(NotWritable, match=r"payload\['a'\]\[0\]: msgpack cannot write this int; beyond 64 bits"):
        Serializers().encode({"a": [2**70]}, "msgpack")
    with pytest.raises(NotWritable, match="the result: msgpack cannot write this object"):
        Serializers().encode(object(), "msgpack", of="the result")


def test_a_circle_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ValueError, match="nested in more than 100 levels, or in itself"):
        tagged(circle)


@pytest.mark.parametrize(
    "content",
    [
        {"$datetime": "tomorrow"},
        {"$datetime": 5},
        {"$uuid": None},
        {"$decimal": "x"},
        {"$bin": "*"},
        {"$duration": "1"},
        {"$duration": 1e300},
        {"$set": 5},
        {"$set": [{"a": 1}]},
        {"$dict": []},
    ],
)
def test_a_tag_around_something_else_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(ContentRefused, match=r"this content cannot be read .*\$"):
        Serializers().decode({"a": [content]})


def test_a_tag_that_nobody_knows_is_a_plain_object() -> None:
    assert untagged({"$ref": {"$uuid": str(ONE)}}) == {"$ref": ONE}
    assert untagged({"$uuid": "x", "more": 1}) == {"$uuid": "x", "more": 1}


LINES = Serializer("lines", "text/x-lines", lambda value: "\n".join(value).encode(), lambda data: data.decode().split())


def test_a_serializer_of_one_s_own_carries_its_bytes_and_type() -> None:
    serializers = Serializers()
    serializers.register(LINES)
    assert serializers.encode(["a", "b"], "lines") == Raw(b"a\nb", "text/x-lines")
    assert serializers.decode(Raw(b"a\nb", "Text/X-Lines; charset=utf-8")) == ["a", "b"]
    with pytest.raises(TypeError, match="payload: lines cannot write this list: sequence item 0"):
        serializers.encode([1], "lines")
    with pytest.raises(ContentRefused, match="UnicodeDecodeError"):
        serializers.decode(Raw(b"\xff", "text/x-lines"))


@pytest.mark.parametrize(
    "taken",
    [
        Serializer("json", "text/x-mine", pickle.dumps, pickle.loads),
        Serializer("mine", "application/x-python-pickle", pickle.dumps, pickle.loads),
        Serializer("mine", "application/vnd.mine+json", pickle.dumps, pickle.loads),
    ],
)
def test_a_name_or_type_that_is_taken_is_refused(taken: Serializer) -> None:
    with pytest.raises(ValueError, match=r"already|headrace reads itself"):
        Serializers().register(taken)


def test_an_unknown_serializer_is_told_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="no serializer 'yaml'; there are json, msgpack, pickle"):
        Serializers().encode(1, "yaml")


@pytest.mark.parametrize("name", ["json", "msgpack"])
def test_bytes_with_a_type_travel_as_they_are(name: str) -> None:
    image = Raw(b"<svg/>", "image/svg+xml")
    assert Serializers().encode(image, name) is image


def test_content_of_an_unknown_type_is_refused_unless_bytes_are_wanted() -> None:
    image = Raw(b"<svg/>", "image/svg+xml")
    with pytest.raises(ContentRefused, match="no serializer for image/svg"):
        Serializers().decode(image)
    assert Serializers().decode(image, raw=True) is image
    with pytest.raises(ContentRefused, match="content without a type"):
        Serializers().decode(Raw(b"", ""))
    with pytest.raises(ContentRefused, match="JSONDecodeError"):
        Serializers().decode(Raw(b"{", "application/json"))


class Trap:
    """Unpickling it runs code."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (pytest.fail, ("pickle was read",))


def test_pickle_is_neither_written_nor_read_unless_it_is_named() -> None:
    for serializers in (Serializers(), Serializers(lambda: ["json", "msgpack"])):
        with pytest.raises(ContentRefused, match=r"does not accept pickle .* app\.conf\.accept_content"):
            serializers.encode(1, "pickle")
        with pytest.raises(ContentRefused, match="does not accept pickle"):
            serializers.decode(Raw(pickle.dumps(Trap()), "application/x-python-pickle"), raw=True)


@pytest.mark.parametrize("name", ["pickle", "application/x-python-pickle"])
def test_pickle_is_read_where_it_is_named_with_one_warning_that_says_why(name: str) -> None:
    serializers = Serializers(lambda: ["json", name])
    with pytest.warns(PickleAccepted, match="can run any code in this process"):
        there = serializers.encode({1, Size.BIG}, "pickle")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert serializers.decode(there) == {1, Size.BIG}
        serializers.check()


def test_a_worker_is_warned_when_it_starts() -> None:
    with pytest.warns(PickleAccepted):
        Serializers(lambda: ["pickle"]).check()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Serializers().check()


def test_a_list_of_accepted_serializers_keeps_the_others_out() -> None:
    accepted = ["json"]
    serializers = Serializers(lambda: accepted)
    serializers.register(LINES)
    with pytest.raises(ContentRefused, match="does not accept lines"):
        serializers.decode(Raw(b"a", "text/x-lines"))
    accepted.append("lines")
    assert serializers.decode(Raw(b"a", "text/x-lines")) == ["a"]
    assert serializers.decode({"plain": "data"}) == {"plain": "data"}
