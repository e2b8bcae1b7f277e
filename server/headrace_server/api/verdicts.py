"""Items of a list that never reached the engine, put back in their places among the outcomes of those that did."""

from collections.abc import Iterable, Sequence
from typing import TypeVar, cast

import msgspec

from headrace_server.api.problems import Fault

T = TypeVar("T")
R = TypeVar("R")


class Invalid(msgspec.Struct, frozen=True):
    """An item with faults."""

    faults: list[Fault]
    job_id: str = ""  # as it was given, where it could be read


def valid(items: Sequence[T | Invalid]) -> Sequence[T]:
    """Return the items that the engine shall see."""
    if Invalid not in set(map(type, items)):  # as mostly
        return cast("Sequence[T]", items)
    return [item for item in items if not isinstance(item, Invalid)]


def in_places(items: Sequence[T | Invalid], outcomes: Sequence[R]) -> Iterable[tuple[T | Invalid, R | Invalid]]:
    """Return each item with its outcome, in order: an invalid one is its own, others take the next of `outcomes`."""
    if len(outcomes) == len(items):  # none is invalid
        return zip(items, outcomes, strict=True)
    following = iter(outcomes)
    return ((item, item if isinstance(item, Invalid) else next(following)) for item in items)
