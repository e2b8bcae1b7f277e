"""Rules between the fields of one body, which types cannot express; it must not know how bodies are written or read.

A rule looks at its body through `get`, which gives the value of a field, or UNSET. The body may have other faults: a
value of the wrong kind is not this module's business.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET

Get: TypeAlias = Callable[[str], Any]
Found: TypeAlias = Iterator[tuple[str, str]]  # field ("": the body itself), detail

MOST_COMPARED: Final = 100  # items: each one is compared with all before it


class Pair(msgspec.Struct, frozen=True):
    """Two fields of which at most one may be given."""

    first: str
    second: str

    @property
    def trigger(self) -> str:
        """The field without which there is nothing to check."""
        return self.second

    def faults(self, get: Get) -> Found:
        """Yield the second one when both are given."""
        if get(self.first) is not UNSET and get(self.second) is not UNSET:
            yield self.second, f"excludes {self.first}: give one of the two"


class Needs(msgspec.Struct, frozen=True):
    """A field that means nothing without another one."""

    trigger: str
    other: str

    def faults(self, get: Get) -> Found:
        """Yield the field when the other one is not there."""
        if get(self.trigger) is not UNSET and get(self.other) is UNSET:
            yield self.trigger, f"needs {self.other}"


class Some(msgspec.Struct, frozen=True):
    """Fields of which at least one must be given."""

    fields: tuple[str, ...]
    trigger: str = ""  # always

    def faults(self, get: Get) -> Found:
        """Yield the body when it has none of them."""
        if all(get(field) is UNSET for field in self.fields):
            yield "", f"must have at least one of {', '.join(self.fields)}"


class Distinct(msgspec.Struct, frozen=True):
    """A list without repetitions."""

    trigger: str

    def faults(self, get: Get) -> Found:
        """Yield the list when an item comes twice; one that is too long for that is faulty anyway."""
        items = get(self.trigger)
        if not isinstance(items, list) or len(items) > MOST_COMPARED:
            return
        if any(item in items[:index] for index, item in enumerate(items)):
            yield self.trigger, "must not name anything twice"


class NeededWhen(msgspec.Struct, frozen=True):
    """A field that another one's value asks for."""

    field: str
    other: str
    values: tuple[str, ...]
    trigger: str = ""  # always: the field is missed, too

    def faults(self, get: Get) -> Found:
        """Yield the field when it is missing."""
        if get(self.other) in self.values and get(self.field) is UNSET:
            yield self.field, f"is missing: {self.other} is {get(self.other)}"


class OnlyWhen(msgspec.Struct, frozen=True):
    """A field that means something only beside some values of another one."""

    trigger: str
    other: str
    values: tuple[str, ...]
    default: str = ""  # of the other one

    def faults(self, get: Get) -> Found:
        """Yield the field when it is given beside another value."""
        value = get(self.other)
        value = self.default if value is UNSET else value
        if get(self.trigger) is not UNSET and isinstance(value, str) and value not in self.values:
            yield self.trigger, f"goes with {self.other} {' or '.join(self.values)} only"


Rule: TypeAlias = Pair | Needs | Some | Distinct | NeededWhen | OnlyWhen
Rules: TypeAlias = tuple[Rule, ...]
Table: TypeAlias = Mapping[type, Rules]
