"""Fields that hold one word, number or instant: whether a value is one, and what to say when it is not.

It must not know bodies. A value is what an untyped decoder makes of it.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from msgspec import inspect as info

from headrace_server.domain import limits
from headrace_server.domain.limits import MAX_KEY_CHARS, MAX_NAME_CHARS
from headrace_server.domain.webhooks import RESERVED

_Instant = Annotated[datetime, Meta(tz=True)]
_NAME: Final = f"1 to {MAX_NAME_CHARS} characters of A-Z a-z 0-9 _ . -"
_TAG_NAME: Final = f"1 to {limits.MAX_TAG_NAME_CHARS} characters of A-Z a-z 0-9 _ . -"
_TAG_VALUE: Final = f"1 to {limits.MAX_TAG_VALUE_CHARS} characters without control characters"
_LANE: Final = "1 to 128 visible ASCII characters without spaces"
_WORDS: Final = {
    "name": f"must be {_NAME}",
    "open_queue": f"must be {_NAME}, and not begin with {RESERVED}, as the queues of the server do",
    "worker": f"must be {_NAME} : @",
    "token": "must be the 32 hexadecimal digits of a lease's token",
    "job_id": "is not the id of a job: ids are what the server gave out",
    "key": f"must be 1 to {MAX_KEY_CHARS} visible ASCII characters",
    "lane": f"must be {_LANE}",
    "limit": f"must be {_LANE}, with at most {limits.MAX_KEY_DEPTH - 1} colons",
    "tag_name": f"is no name of a tag: those are {_TAG_NAME}",
    "tag_value": f"must be {_TAG_VALUE}",
    "error_pattern": f"must be 1 to {limits.MAX_PATTERN_CHARS} characters without control characters",
    "tag": f"must be name:value, the name {_TAG_NAME}, the value {_TAG_VALUE}",
    "media_type": f"must be a media type like image/png, at most {limits.MAX_MEDIA_TYPE_CHARS} characters",
    "cursor": "must be a cursor that this server gave out",
}


def fault_of(kind: info.Type, word: str, value: Any) -> str | None:
    """Return what is wrong with a value of a field whose fault has a `word` of its own, or none (""); None: nothing."""
    return None if _fits(kind, value) else _WORDS.get(word) or _must(kind)


def _fits(kind: info.Type, value: Any) -> bool:
    match kind:
        case info.BoolType():
            return type(value) is bool
        case info.IntType() | info.FloatType():
            numbers = (int,) if isinstance(kind, info.IntType) else (int, float)
            return (
                type(value) in numbers
                and (kind.ge is None or value >= kind.ge)
                and (kind.le is None or value <= kind.le)
            )
        case info.StrType():
            return (
                type(value) is str
                and len(value) >= (kind.min_length or 0)
                and (kind.max_length is None or len(value) <= kind.max_length)
                and (kind.pattern is None or _matches(kind.pattern, value))
            )
        case info.EnumType():
            return type(value) is str and value in {member.value for member in kind.cls}
        case info.DateTimeType():
            return _is_instant(value)
    raise TypeError(f"no rule for {kind}: a new kind of field needs one here")


def _matches(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


def _is_instant(value: Any) -> bool:
    try:
        msgspec.convert(value, _Instant)
    except msgspec.ValidationError:
        return False
    return True


def _must(kind: info.Type) -> str:
    match kind:
        case info.BoolType():
            return "must be true or false"
        case info.IntType():
            return f"must be an integer from {kind.ge} to {kind.le}"
        case info.FloatType():
            return f"must be a number from {kind.ge} to {kind.le}"
        case info.StrType(max_length=int() as high):
            return f"must be a text of {f'{kind.min_length} to' if kind.min_length else 'at most'} {high} characters"
        case info.EnumType():
            return one_of(member.value for member in kind.cls)
        case info.DateTimeType():
            return "must be an instant with a time zone, like 2026-01-02T03:04:05.678Z"
    return "must be a text"


def one_of(words: Iterable[Any]) -> str:
    """Return what to say of a word that is none of `words`."""
    return "must be one of " + ", ".join(map(str, words))
