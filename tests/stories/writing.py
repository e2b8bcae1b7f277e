"""Words and options of a story's line to requests of the engine."""

import hashlib

import msgspec
from headrace_server.domain.ids import IdMaker
from headrace_server.domain.jobs import Body, IdempotencyKey, NewJob
from headrace_server.domain.requests import Ack, EnqueueGroup, Extend, LeaseAsk, Nack, Release, Settle, Snooze
from headrace_server.domain.retry import Backoff, RetryPolicy

from tests.stories.language import StoryError, millis

_ENQUEUE = {"queue", "key", "body", "bytes"}
_JOB_TIMES = {
    "delay": "delay_ms",
    "expires": "expires_in_ms",
    "lease": "lease_ms",
    "retention": "retention_ms",
}
_JOB_INSTANTS = {"run_at": "run_at_ms", "expires_at": "expires_at_ms"}
_JOB_NUMBERS = {"priority", "max_crashes"}
_RETRY = {"max_attempts", "backoff", "initial", "factor", "max", "jitter"}


def group(ids: list[bytes], options: dict[str, str], start_ms: int) -> EnqueueGroup:
    """Return the enqueue of jobs that all have the same options."""
    _refuse_unknown(options, {*_ENQUEUE, *_JOB_TIMES, *_JOB_INSTANTS, *_JOB_NUMBERS, *_RETRY})
    fields: dict[str, int] = {field: millis(options[name]) for name, field in _JOB_TIMES.items() if name in options}
    fields |= {f: start_ms + millis(options[name]) for name, f in _JOB_INSTANTS.items() if name in options}
    fields |= {name: int(options[name]) for name in _JOB_NUMBERS if name in options}
    payload = Body(b'"' + b"x" * (int(options.get("bytes", "2")) - 2) + b'"')
    queue = options.get("queue", "default")
    new = [
        NewJob(id=i, task="t", queue=queue, payload=payload, retry=_retry(options), **fields)  # type: ignore[arg-type]
        for i in ids
    ]
    return EnqueueGroup(new, _key(options))


def ask(words: list[str], options: dict[str, str]) -> LeaseAsk:
    """Return a lease of the queues `a,b` or the like."""
    _refuse_unknown(options, {"max", "bytes", "ttl", "by", "key"})
    return LeaseAsk(
        queues=words[0].split(","),
        max_jobs=int(options.get("max", "1")),
        max_bytes=int(options.get("bytes", "4000000")),
        lease_ms=millis(options["ttl"]) if "ttl" in options else None,
        worker=options.get("by"),
        key=_digest(options["key"]) if "key" in options else None,
    )


def settle(verb: str, job_id: bytes, token: bytes, options: dict[str, str]) -> Settle:
    """Return one ack, nack, release, snooze or extend."""
    if verb == "ack":
        _refuse_unknown(options, {"result"})
        return Ack(job_id=job_id, token=token, result=Body(options["result"].encode()) if "result" in options else None)
    if verb == "nack":
        _refuse_unknown(options, {"error", "retry", "in"})
        return Nack(
            job_id=job_id,
            token=token,
            error=msgspec.json.encode({"type": options.get("error", "Error"), "message": "it failed"}),
            retryable=options.get("retry") != "never",
            retry_in_ms=millis(options["in"]) if "in" in options else None,
        )
    if verb == "release":
        _refuse_unknown(options, {"reason"})
        return Release(job_id=job_id, token=token, reason=options.get("reason", ""))
    if verb == "snooze":
        _refuse_unknown(options, {"delay"})
        return Snooze(job_id=job_id, token=token, delay_ms=millis(options["delay"]))
    _refuse_unknown(options, {"ttl"})
    return Extend(job_id=job_id, token=token, lease_ms=millis(options["ttl"]) if "ttl" in options else None)


def stranger(name: str, start_ms: int) -> bytes:
    """Return the id of a job that no line enqueues."""
    return IdMaker().make(start_ms - 1, 0, int.from_bytes(_digest(name)[:8], "big"))


def _retry(options: dict[str, str]) -> RetryPolicy | None:
    if not _RETRY & options.keys():
        return None
    return RetryPolicy(
        max_attempts=int(options["max_attempts"]) if "max_attempts" in options else None,
        backoff=Backoff(options["backoff"]) if "backoff" in options else None,
        initial_ms=millis(options["initial"]) if "initial" in options else None,
        factor=float(options["factor"]) if "factor" in options else None,
        max_ms=millis(options["max"]) if "max" in options else None,
        jitter=options["jitter"] == "yes" if "jitter" in options else None,
    )


def _key(options: dict[str, str]) -> IdempotencyKey | None:
    if "key" not in options:
        return None
    return IdempotencyKey(_digest(options["key"]), _digest(options.get("body", "")))


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _refuse_unknown(options: dict[str, str], known: set[str]) -> None:
    if unknown := options.keys() - known:
        raise StoryError(f"unknown options: {sorted(unknown)}")
