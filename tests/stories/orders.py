"""Words and options of a story's line to what operators say: settings, limits, filters, operations."""

from headrace_server.domain.finding import JobFilter
from headrace_server.domain.lifecycle import State
from headrace_server.domain.operations import Action, OperationAsk
from headrace_server.domain.queues import LimitSettings, QueueSettings, Rate

from tests.stories.language import millis
from tests.stories.writing import RETRY, refuse_unknown, retry

_TIMES = {
    "lease": "lease_ms",
    "max_runtime": "max_runtime_ms",
    "succeeded": "succeeded_retention_ms",
    "dead": "dead_retention_ms",
    "cancelled": "cancelled_retention_ms",
    "result_ttl": "result_ttl_ms",
}
_NUMBERS = {"priority", "max_crashes", "max_depth", "max_bytes", "concurrency"}
_FILTER = {"queue", "state", "task", "error", "tag", "enqueued_after", "enqueued_before", "finished_after"}


def settings(options: dict[str, str]) -> QueueSettings:
    """Return the settings of a queue."""
    refuse_unknown(options, {*_TIMES, *_NUMBERS, *RETRY, "rate", "burst"})
    fields: dict[str, int] = {field: millis(options[name]) for name, field in _TIMES.items() if name in options}
    fields |= {name: int(options[name]) for name in _NUMBERS if name in options}
    return QueueSettings(retry=retry(options), rate=_rate(options), **fields)


def limit(options: dict[str, str]) -> LimitSettings:
    """Return the settings of a limit."""
    refuse_unknown(options, {"concurrency", "rate", "burst"})
    most = int(options["concurrency"]) if "concurrency" in options else None
    return LimitSettings(concurrency=most, rate=_rate(options))


def job_filter(options: dict[str, str], start_ms: int) -> JobFilter:
    """Return which jobs are meant; instants count from the story's start."""
    refuse_unknown(options, _FILTER)
    name, _, value = options.get("tag", "").partition(":")
    instants = {f"{name}_ms": start_ms + millis(options[name]) for name in _FILTER & options.keys() if "_" in name}
    return JobFilter(
        queue=options.get("queue"),
        states=tuple(State(word) for word in options["state"].split(",")) if "state" in options else (),
        task=options.get("task"),
        error_type=options.get("error"),
        tag=(name, value) if name else None,
        **instants,
    )


def operation(action: str, options: dict[str, str], start_ms: int) -> OperationAsk:
    """Return a bulk operation: the options of a filter, and `dry=yes`, `to=QUEUE`, `rate=N` (a second)."""
    own = {name: options[name] for name in ("dry", "to", "rate") if name in options}
    return OperationAsk(
        action=Action(action),
        filter=job_filter({name: value for name, value in options.items() if name not in own}, start_ms),
        dry_run=own.get("dry") == "yes",
        rate_per_s=int(own["rate"]) if "rate" in own else None,
        target_queue=own.get("to"),
    )


def _rate(options: dict[str, str]) -> Rate | None:
    if "rate" not in options:
        return None
    count, _, per = options["rate"].partition("/")
    return Rate(count=int(count), per_ms=millis(per), burst=int(options.get("burst", count)))
