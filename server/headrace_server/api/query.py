"""A query string -> a typed value, by the same types and rules as bodies; it must not know what is asked for."""

from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect as info

from headrace_server.api import parse
from headrace_server.api.call import MAX_DIGITS, Call
from headrace_server.api.faults import Reading
from headrace_server.domain.jobs import Format

T = TypeVar("T", bound=msgspec.Struct)
_READING = Reading(Format.JSON, 0)


def parse_query(shape: type[T], call: Call, *beside: str) -> T:
    """Return the query of a request as `shape`, but for the parameters `beside`, which somebody else reads.

    A list is repeated or separated by commas; of a repeated single value the last one counts. Raises Problem
    invalid_request with every fault; its pointers are `/` and the name of the parameter.
    """
    kinds = _kinds(shape)
    given = {name: _typed(kinds.get(name), values) for name, values in call.queries().items() if name not in beside}
    return parse.body(shape, msgspec.json.encode(given), _READING)


@cache
def _kinds(shape: type) -> dict[str, type[info.Type]]:
    struct = info.type_info(shape)
    assert isinstance(struct, info.StructType)
    return {f.name: type(f.type.type if isinstance(f.type, info.Metadata) else f.type) for f in struct.fields}


def _typed(kind: type[info.Type] | None, values: list[str]) -> Any:
    if kind is info.ListType:
        return [item for value in values for item in value.split(",")]
    text = values[-1]
    is_number = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return int(text) if kind is info.IntType and is_number else text
