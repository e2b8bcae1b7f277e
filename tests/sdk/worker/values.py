"""Apps whose tasks take and return more than JSON has words for; imported by workers, and called from the tests."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

from headrace import App, Raw, Serializer


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


@dataclass
class Line:
    sku: str
    price: Decimal
    size: Size = Size.SMALL


@dataclass
class Order:
    id: UUID
    lines: list[Line]
    due: datetime
    notes: set[str] = field(default_factory=set)


class Trap:
    """Reading a pickle of it leaves a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.file,)


def tables(value: Any) -> bytes:
    """Write a list of lists of texts, one list a line."""
    return "\n".join("\t".join(row) for row in value[0]).encode()


def rows(data: bytes) -> list[Any]:
    """Return what `tables` was given."""
    return [[line.split("\t") for line in data.decode().split("\n")]]


def postpone(order: Order, by: timedelta) -> Order:
    order.due += by
    return order


def total(order: Order, on: date | None = None) -> Decimal:
    assert on is None or isinstance(on, date)
    return sum((line.price for line in order.lines if line.size is Size.LARGE), Decimal(0))


def same(value: Any) -> Any:
    return value


def thumbnail(image: Raw) -> Raw:
    return Raw(image.data.upper(), image.media_type)


def square(n: int) -> int:
    return n * n


def build(url: str | None = None, *, accept: Sequence[str] | None = None, result: str = "json") -> App:
    """Return an app with all of these tasks."""
    app = App(url)
    app.conf.accept_content = accept
    app.conf.result_serializer = result
    app.serializers.register(Serializer("table", "text/tab-separated-values", tables, rows))
    for function in (postpone, total, same, thumbnail, square):
        app.task(name=f"values.{function.__name__}")(function)
    return app


app = build()
trusting = functools.cache(lambda: build(accept=["pickle"], result="pickle"))


def __getattr__(name: str) -> App:
    """Make the app that accepts pickle only where it is asked for: it warns."""
    if name == "trusting_app":
        return trusting()
    raise AttributeError(name)
