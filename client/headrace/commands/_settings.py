"""Settings as words: `concurrency=5 rate=100/60s retry.max_attempts=8 lease_ms=`; an empty value takes one away."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from headrace.commands._common import UsageError, span_ms
from headrace.models import RetryPolicy
from headrace.operating import QueueSettings, Rate

_RATE: Final = re.compile(r"(\d+)/(\d+(?:\.\d+)?(?:ms|s|m|h|d))")


def _number(text: str) -> int:
    return int(text)


def _switch(text: str) -> bool:
    return {"true": True, "on": True, "false": False, "off": False}[text.lower()]


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


_QUEUE: Final[dict[str, Callable[[str], Any]]] = {
    "lease_ms": span_ms,
    "max_runtime_ms": span_ms,
    "priority": _number,
    "max_crashes": _number,
    "succeeded_retention_ms": span_ms,
    "dead_retention_ms": span_ms,
    "cancelled_retention_ms": span_ms,
    "result_ttl_ms": span_ms,
    "max_depth": _number,
    "max_bytes": _number,
    "concurrency": _number,
}
_RETRY: Final[dict[str, Callable[[str], Any]]] = {
    "max_attempts": _number,
    "backoff": str,
    "initial_ms": span_ms,
    "factor": float,
    "max_ms": span_ms,
    "jitter": _switch,
    "max_elapsed_ms": span_ms,
    "non_retryable": _list,
    "on_exhausted": str,
}
QUEUE_WORDS: Final = (*_QUEUE, "rate", "burst", *(f"retry.{name}" for name in _RETRY))
LIMIT_WORDS: Final = ("concurrency", "rate", "burst")


def changed(settings: QueueSettings, words: Sequence[str]) -> QueueSettings:
    """Return settings in which some are other ones. Raises UsageError."""
    asked = _pairs(words, QUEUE_WORDS)
    retry = settings.retry or RetryPolicy()
    for word, text in asked.items():
        name = word.removeprefix("retry.")
        if word != name:
            retry = replace(retry, **{name: _value(word, _RETRY[name], text)})
        elif word in _QUEUE:
            settings = replace(settings, **{word: _value(word, _QUEUE[word], text)})
    return replace(settings, rate=_rate(settings.rate, asked), retry=None if retry == RetryPolicy() else retry)


def limit(concurrency: int | None, rate: Rate | None, words: Sequence[str]) -> tuple[int | None, Rate | None]:
    """Return concurrency and rate of a limit of which some are other ones. Raises UsageError."""
    asked = _pairs(words, LIMIT_WORDS)
    if "concurrency" in asked:
        concurrency = _value("concurrency", _number, asked["concurrency"])
    return concurrency, _rate(rate, asked)


def _pairs(words: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for word in words:
        name, sign, text = word.partition("=")
        if not sign or name not in known:
            raise UsageError(f"{word!r}: write NAME=VALUE, and NAME= to take it away; the names: {', '.join(known)}")
        pairs[name] = text
    return pairs


def _value(word: str, read: Callable[[str], Any], text: str) -> Any:
    if not text:
        return None
    try:
        return read(text)
    except (ValueError, KeyError):
        kind = {_number: "a whole number", float: "a number", _switch: "on or off"}.get(read, "another value")
        raise UsageError(f"{word}={text}: {kind} is needed") from None


def _rate(rate: Rate | None, asked: dict[str, str]) -> Rate | None:
    if "rate" in asked:
        rate = _value("rate", _new_rate, asked["rate"])
    if "burst" not in asked:
        return rate
    if rate is None:
        raise UsageError("burst belongs to a rate: write rate=100/60s burst=20")
    return replace(rate, burst=_value("burst", _number, asked["burst"]))


def _new_rate(text: str) -> Rate:
    found = _RATE.fullmatch(text)
    if found is None:
        raise UsageError(f"rate={text}: write COUNT/TIME, for instance 10/1s or 100/60s")
    return Rate(count=int(found[1]), per_ms=span_ms(found[2]))
