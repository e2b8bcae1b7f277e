"""Plain values as annotations ask for them: what other languages send without tags, rebuilt; all else left alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NamedTuple, NewType, Optional, TypedDict, TypeVar
from uuid import UUID

import pytest
from headrace import Raw
from headrace._tags import tagged, untagged
from headrace.annotations import Misfit, fitted, shape_of
from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from fractions import Fraction

T = TypeVar("T")
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
ID = "01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f"
UserId = NewType("UserId", UUID)


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Line:
    sku: str
    price: Decimal


@dataclass
class Order:
    id: UUID
    lines: list[Line]
    due: datetime | None = None
    tags: set[str] = field(default_factory=set)
    before: Order | None = None
    total: int = field(default=0, init=False)


@dataclass
class Card:
    number: str

    def __post_init__(self) -> None:
        if not self.number.isdecimal():
            raise ValueError("a card has digits")


@dataclass
class Box(Generic[T]):
    content: T


@dataclass
class Unknowable:
    ratio: Fraction


class Point(NamedTuple):
    x: int
    at: date = date(2026, 1, 1)


class Row(TypedDict):
    at: datetime
    name: str


class Model(BaseModel):
    name: str
    at: datetime | None = Field(default=None, alias="when")
    inner: list[Model] = []


@pytest.mark.parametrize(
    ("plain", "annotation", "made"),
    [
        ("2026-11-01T12:00:00Z", datetime, NOON),
        ("2026-11-01", date, NOON.date()),
        ("12:30:00", time, time(12, 30)),
        (1.5, timedelta, timedelta(seconds=1.5)),
        (ID, UUID, UUID(ID)),
        (ID, UserId, UUID(ID)),
        ("1.20", Decimal, Decimal("1.20")),
        (1.1, Decimal, Decimal("1.1")),
        (3, Decimal, Decimal(3)),
        ("red", Colour, Colour.RED),
        ("red", Annotated[Colour, {}], Colour.RED),
        ([1, 2, 2], set[int], {1, 2}),
        ([1, 2], frozenset, frozenset({1, 2})),
        ({1}, frozenset[int], frozenset({1})),
        (["red"], AbstractSet[Colour], {Colour.RED}),
        ([ID], tuple[UUID, ...], (UUID(ID),)),
        ([1, ID], tuple[int, UUID], (1, UUID(ID))),
        ([1, 2], tuple, (1, 2)),
        (["red"], list[Colour], [Colour.RED]),
        (["red"], Sequence[Colour], [Colour.RED]),
        ({"1": "red"}, dict[int, Colour], {1: Colour.RED}),
        ({"1.5": 1}, dict[float, int], {1.5: 1}),
        ({ID: 1}, Mapping[UUID, int], {UUID(ID): 1}),
        ({"2026-11-01": 1}, dict[date, Any], {NOON.date(): 1}),
        ({"sku": "a", "price": "2"}, Line, Line("a", Decimal(2))),
        ({"sku": "a", "price": "2", "new": 1}, Line, Line("a", Decimal(2))),
        ({"content": {"sku": "a", "price": 1}}, Box[Line], Box({"sku": "a", "price": 1})),
        ({"ratio": "1/2"}, Unknowable, Unknowable("1/2")),  # type: ignore[arg-type]
        ([1, "2026-11-01"], Point, Point(1, NOON.date())),
        ([1], Point, Point(1)),
        ({"at": "2026-11-01T12:00:00Z", "name": "n"}, Row, {"at": NOON, "name": "n"}),
        ({"name": "n", "when": "2026-11-01T12:00:00Z"}, Model, Model(name="n", when=NOON)),
        ({"name": "n", "inner": [{"name": "i"}]}, Model, Model(name="n", inner=[Model(name="i")])),
        (None, datetime | None, None),
        ("2026-11-01T12:00:00Z", datetime | None, NOON),
        (ID, Optional[UUID], UUID(ID)),  # noqa: UP045
        ({"number": "1"}, Line | Card, Card("1")),
        ({"number": "1"}, Card | Model, Card("1")),
        ({"name": "n"}, Card | Model, Model(name="n")),
        ([ID], UUID | list[UUID], [UUID(ID)]),
    ],
)
def test_a_plain_value_becomes_what_is_asked_for(plain: Any, annotation: Any, made: Any) -> None:
    found = fitted(plain, annotation)
    assert found == made
    assert type(found) is type(made)
    assert fitted(made, annotation) == made, "and what is it already stays"


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        ("text", int),
        (5, str),
        (5, datetime),
        ("abc", bytes),
        ("2026-11-01", str | date),
        ("x", int | UUID),
        ("x", Any),
        ([1], list[int]),
        ({"a": 1}, dict[str, int]),
        ([1], list),
        ("red", Literal["red"]),
        ("ab", set[str]),
        ("x", tuple[int, int]),
        (5, Point),
        (5, Line),
        (5, Row),
        ({"sku": "a"}, dict[str, str] | Line),
        ([5], dict[int, Colour]),
        (len, Callable[[int], int]),
        (5, T),
        (5, type[int]),
        (5, "a text"),
    ],
)
def test_what_has_no_other_form_is_left_alone(value: Any, annotation: Any) -> None:
    assert fitted(value, annotation) is value


@pytest.mark.parametrize(
    ("value", "annotation", "message"),
    [
        ("tomorrow", datetime, "value: 'tomorrow' is no datetime"),
        ("tomorrow", datetime | None, "value: 'tomorrow' is no datetime"),
        ("x", UUID, "value: 'x' is no UUID"),
        ("x", Decimal, "value: 'x' is no Decimal"),
        (1e300, timedelta, "value: 1e.300 is no timedelta"),
        ("blue", Colour, "value: 'blue' is not a valid Colour"),
        ([1, 2, 3], tuple[int, int], "value: 2 items expected, not 3"),
        ([[1]], set[Any], "value: unhashable type"),
        ({"x": 1}, dict[int, str], r"x: invalid literal for int"),
        ({"sku": "a"}, Line, "value: no Line: price missing"),
        ({"sku": "a", "price": "much"}, Line, "price: 'much' is no Decimal"),
        ({"number": "x"}, Card, "value: no Card: a card has digits"),
        ([1, "2026-11-01", 3], Point, "value: no Point: .* takes"),
        ([1, "never"], Point, "at: 'never' is no date"),
        ({}, Model, "1 validation error for Model"),
        ({"sku": 1}, Line | Card, "value: no Line: price missing"),
    ],
)
def test_what_stands_for_nothing_is_named(value: Any, annotation: Any, message: str) -> None:
    with pytest.raises(Misfit, match=message):
        fitted(value, annotation)


def place(order: Order, *extra: Colour, due: date | None = None, **more: Decimal) -> list[Line]:
    raise AssertionError("only its signature is looked at")


def test_a_whole_call_is_fitted_and_its_answer() -> None:
    shape = shape_of(place)
    plain = {"id": ID, "lines": [{"sku": "a", "price": "2"}], "before": {"id": ID, "lines": []}}
    order = Order(UUID(ID), [Line("a", Decimal(2))], before=Order(UUID(ID), []))
    args, kwargs = shape.fit_arguments((plain, "red"), {"due": "2026-11-01", "tip": "1.5"})
    assert (args, kwargs) == ((order, Colour.RED), {"due": NOON.date(), "tip": Decimal("1.5")})
    assert shape.fit_result([{"sku": "a", "price": "2"}]) == [Line("a", Decimal(2))]


def test_a_model_comes_back_under_the_names_it_was_sent_with() -> None:
    def keep(model: Model) -> None: ...

    model = Model(name="n", when=NOON, inner=[Model(name="i")])
    plain = json.loads(json.dumps(tagged([model])))
    assert plain[0]["when"] == "2026-11-01T12:00:00Z"
    assert shape_of(keep).fit_arguments(untagged(plain), {})[0] == (model,)


def test_a_misfit_names_the_argument_and_the_place_in_it() -> None:
    plain = {"id": ID, "lines": [{"sku": "a", "price": "much"}]}
    with pytest.raises(Misfit, match=r"^argument 'order'\['lines'\]\[0\]\['price'\]: 'much' is no Decimal"):
        shape_of(place).fit_arguments((plain,), {})
    with pytest.raises(Misfit, match=r"^the result\[0\]: no Line: price missing"):
        shape_of(place).fit_result([{"sku": "a"}])


def test_the_task_itself_is_no_argument_of_the_call() -> None:
    def bound(self: Any, at: datetime) -> None: ...

    assert shape_of(bound, bound=True).fit_arguments(("2026-11-01T12:00:00Z",), {}) == ((NOON,), {})


def test_an_annotation_that_cannot_be_looked_up_spoils_no_other() -> None:
    @dataclass
    class Local:
        x: int

    def f(ratio: Fraction, local: Local, at: datetime, plain) -> Fraction: ...  # type: ignore[no-untyped-def]

    shape = shape_of(f)
    args = ("1/2", {"x": 1}, "2026-11-01T12:00:00Z", "p")
    assert shape.fit_arguments(args, {})[0] == ("1/2", {"x": 1}, NOON, "p")
    assert shape.fit_result("1/2") == "1/2"


def test_a_callable_without_a_signature_takes_what_comes() -> None:
    shape = shape_of(type)  # type: ignore[arg-type]
    assert shape.signature is None
    assert shape.fit_arguments((1, "x"), {"a": 2}) == ((1, "x"), {"a": 2})


def test_a_function_says_whether_it_takes_or_returns_bytes_as_they_came() -> None:
    def raw(image: Raw) -> None: ...
    def maybe(image: Raw | None) -> None: ...
    def plain(image: dict[str, int]) -> Raw: ...

    assert [shape_of(each).takes_raw for each in (raw, maybe, plain)] == [True, True, False]
    assert [shape_of(each).returns_raw for each in (raw, maybe, plain)] == [False, False, True]


def test_bytes_of_a_type_may_be_one_of_many_arguments() -> None:
    def draw(image: Raw, name: str) -> None: ...

    image = Raw(b"<svg/>", "image/svg+xml")
    plain = untagged(json.loads(json.dumps(tagged([image, "n"]))))
    assert shape_of(draw).fit_arguments(plain, {})[0] == (image, "n")
