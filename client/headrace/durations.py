"""Spans of time as people write them, in seconds or as timedeltas; it must not know what they are for."""

from datetime import timedelta
from typing import TypeAlias, overload

Seconds: TypeAlias = float | timedelta


@overload
def seconds(span: Seconds) -> float: ...
@overload
def seconds(span: Seconds | None) -> float | None: ...
def seconds(span: Seconds | None) -> float | None:
    """Return a span in seconds; None stays None."""
    return span.total_seconds() if isinstance(span, timedelta) else span


@overload
def milliseconds(span: Seconds) -> int: ...
@overload
def milliseconds(span: Seconds | None) -> int | None: ...
def milliseconds(span: Seconds | None) -> int | None:
    """Return a span in whole milliseconds, 0 for one that is negative; None stays None."""
    in_seconds = seconds(span)
    return None if in_seconds is None else max(0, round(in_seconds * 1000))
