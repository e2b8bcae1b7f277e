"""Words and options of a story's line to requests of the engine about jobs and leases."""

import hashlib

import msgspec
from headrace_server.domain.alike import Alike
from headrace_server.domain.ids import IdMaker
from headrace_server.domain.jobs import Body, IdempotencyKey, NewJob, OnConflict, OnDead, Unique, UniqueUntil
from headrace_server.domain.requests import (
    Ack,
    CancelAsk,
    CancelMode,
    EnqueueGroup,
    Extend,
    LeaseAsk,
    Nack,
    Patch,
    Release,
    Settle,
    Snooze,
)
from headrace_server.domain.retry import Backoff, OnExhausted, RetryPolicy

from tests.stories.language import StoryError, millis

_ENQUEUE = {"queue", "key", "body", "bytes", "type", "task", "again", "each"}
_JOB_TIMES = {
    "delay": "delay_ms",
    "expires": "expires_in_ms",
    "lease": "lease_ms",
    "retention": "retention_ms",
    "max_runtime": "max_runtime_ms",
    "result_ttl": "result_ttl_ms",
}
_JOB_INSTANTS = {"run_at": "run_at_ms", "expires_at": "expires_at_ms"}
_JOB_NUMBERS = {"priority", "max_crashes", "weight"}
_LANES = {"fair", "order", "on_dead", "limits", "tags"}
_UNIQUE = {"unique", "until", "ttl", "on_conflict"}
RETRY = {
    *("max_attempts", "backoff", "initial", "factor", "max", "jitter"),
    *("max_elapsed", "non_retryable", "on_exhausted"),
}
LANED = frozenset({"fair", "order", "limits"})  # options that bring a job into a lane


def group(ids: list[bytes], options: dict[str, str], start_ms: int) -> EnqueueGroup:
    """Return the enqueue of jobs that all have the same options."""
    refuse_unknown(options, {*_ENQUEUE, *_JOB_TIMES, *_JOB_INSTANTS, *_JOB_NUMBERS, *_LANES, *_UNIQUE, *RETRY})
    fields: dict[str, object] = {field: millis(options[name]) for name, field in _JOB_TIMES.items() if name in options}
    fields |= {f: start_ms + millis(options[name]) for name, f in _JOB_INSTANTS.items() if name in options}
    fields |= {name: int(options[name]) for name in _JOB_NUMBERS if name in options}
    fields |= _lanes(options)
    payload = Body(b'"' + b"x" * (int(options.get("bytes", "2")) - 2) + b'"', media=options.get("type"))
    queue, task = options.get("queue", "default"), options.get("task", "t")
    unique, policy = _unique(options), retry(options)
    new = [
        NewJob(id=i, task=task, queue=queue, payload=payload, retry=policy, unique=unique, **fields)  # type: ignore[arg-type]
        for i in ids
    ]
    return EnqueueGroup(new, _key(options), each=options.get("each") == "yes")


def alike(group: EnqueueGroup) -> EnqueueGroup:
    """Return the same group as jobs that differ in nothing but id and payload: those of a story do not."""
    ids, payloads = [job.id for job in group.jobs], [job.payload.data for job in group.jobs]
    return msgspec.structs.replace(group, jobs=Alike(group.jobs[0], b"".join(ids), payloads))


def ask(words: list[str], options: dict[str, str]) -> LeaseAsk:
    """Return a lease of the queues `a,b` or the like."""
    refuse_unknown(options, {"max", "bytes", "ttl", "by", "key", "tick"})
    return LeaseAsk(
        queues=words[0].split(","),
        max_jobs=int(options.get("max", "1")),
        max_bytes=int(options.get("bytes", "4000000")),
        lease_ms=span(options, "ttl"),
        worker=options.get("by"),
        key=_digest(options["key"]) if "key" in options else None,
    )


def settle(verb: str, job_id: bytes, token: bytes, options: dict[str, str]) -> Settle:
    """Return one ack, nack, release, snooze or extend."""
    if verb == "ack":
        refuse_unknown(options, {"result", "result_ttl", "media"})
        ttl = span(options, "result_ttl")
        result = Body(options["result"].encode(), media=options.get("media")) if "result" in options else None
        return Ack(job_id=job_id, token=token, result=result, result_ttl_ms=ttl)
    if verb == "nack":
        refuse_unknown(options, {"error", "retry", "in"})
        kind = options.get("error", "Error")
        return Nack(
            job_id=job_id,
            token=token,
            error=msgspec.json.encode({"type": kind, "message": "it failed"}),
            error_type=kind,
            retryable=options.get("retry") not in ("never", "discard"),
            retry_in_ms=span(options, "in"),
            discard=options.get("retry") == "discard",
        )
    if verb == "release":
        refuse_unknown(options, {"reason"})
        return Release(job_id=job_id, token=token, reason=options.get("reason", ""))
    left = {"checkpoint": _json(options, "checkpoint")}
    if verb == "snooze":
        refuse_unknown(options, {"delay", "reason", "checkpoint"})
        delay, why = millis(options["delay"]), options.get("reason", "")
        return Snooze(job_id=job_id, token=token, delay_ms=delay, reason=why, **left)
    refuse_unknown(options, {"ttl", "progress", "checkpoint"})
    progress = _json(options, "progress")
    return Extend(job_id=job_id, token=token, lease_ms=span(options, "ttl"), progress=progress, **left)


def cancel(job_id: bytes, options: dict[str, str]) -> CancelAsk:
    """Return one cancel."""
    refuse_unknown(options, {"reason", "mode"})
    mode = CancelMode(options.get("mode", "soft"))
    return CancelAsk(job_id=job_id, reason=options.get("reason", "because"), mode=mode)


def patch(job_id: bytes, options: dict[str, str], start_ms: int) -> Patch:
    """Return one patch."""
    refuse_unknown(options, {"priority", "run_at", "delay", "queue"})
    run_at = span(options, "run_at")
    return Patch(
        job_id=job_id,
        priority=int(options["priority"]) if "priority" in options else None,
        run_at_ms=None if run_at is None else start_ms + run_at,
        delay_ms=span(options, "delay"),
        queue=options.get("queue"),
    )


def stranger(name: str, start_ms: int) -> bytes:
    """Return the id of a job that no line enqueues."""
    return IdMaker().make(start_ms - 1, 0, int.from_bytes(_digest(name)[:8], "big"))


def retry(options: dict[str, str]) -> RetryPolicy | None:
    """Return the policy that some options speak of."""
    if not RETRY & options.keys():
        return None
    patterns = options.get("non_retryable")
    return RetryPolicy(
        max_attempts=int(options["max_attempts"]) if "max_attempts" in options else None,
        backoff=Backoff(options["backoff"]) if "backoff" in options else None,
        initial_ms=span(options, "initial"),
        factor=float(options["factor"]) if "factor" in options else None,
        max_ms=span(options, "max"),
        jitter=options["jitter"] == "yes" if "jitter" in options else None,
        max_elapsed_ms=span(options, "max_elapsed"),
        non_retryable=None if patterns is None else tuple(patterns.split(",")),
        on_exhausted=OnExhausted(options["on_exhausted"]) if "on_exhausted" in options else None,
    )


def span(options: dict[str, str], name: str) -> int | None:
    """Return a duration in milliseconds; None if it is not among the options."""
    return millis(options[name]) if name in options else None


def refuse_unknown(options: dict[str, str], known: set[str]) -> None:
    """Raise StoryError for options that the verb does not have."""
    if unknown := options.keys() - known:
        raise StoryError(f"unknown options: {sorted(unknown)}")


def _lanes(options: dict[str, str]) -> dict[str, object]:
    tags = dict(pair.split(":") for pair in options["tags"].split(",")) if "tags" in options else None
    return {
        "fairness_key": options.get("fair"),
        "ordering_key": options.get("order"),
        "on_dead": OnDead(options.get("on_dead", "next")),
        "limits": tuple(options["limits"].split(",")) if "limits" in options else (),
        "tags": tags,
    }


def _unique(options: dict[str, str]) -> Unique | None:
    if "unique" not in options:
        return None
    return Unique(
        digest=_digest(options["unique"]),
        until=UniqueUntil(options.get("until", "finish")),
        ttl_ms=span(options, "ttl"),
        on_conflict=OnConflict(options.get("on_conflict", "return")),
    )


def _json(options: dict[str, str], name: str) -> bytes | None:
    return options[name].encode() if name in options else None


def _key(options: dict[str, str]) -> IdempotencyKey | None:
    if "key" not in options:
        return None
    return IdempotencyKey(_digest(options["key"]), _digest(options.get("body", "")))


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
