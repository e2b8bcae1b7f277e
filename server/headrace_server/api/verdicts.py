"""Items of a list that never reached the engine, put back in their places among the outcomes of those that did."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from headrace_server.api.problems import Fault

T = TypeVar("T")
R = TypeVar("R")


class Invalid(msgspec.Struct, frozen=True):
    """An item with faults."""

    faults: list[Fault]
    job_id: str = ""  # as it was given, where it could be read


def valid(items: Sequence[T | Invalid]) -> list[T]:
    """Return the items that the engine shall see."""
    return [item for item in items if not isinstance(item, Invalid)]


def in_places(items: Sequence[T | Invalid], outcomes: Sequence[R]) -> Iterator[tuple[T | Invalid, R | Invalid]]:
    """Yield each item with its outcome, in order: an invalid one is its own, the others take the next of `outcomes`."""
    following = iter(outcomes)
    for item in items:
        yield item, item if isinstance(item, Invalid) else next(following)
