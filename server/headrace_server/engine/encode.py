"""Writes the arguments of the scripts; the order of each list is the header of its Lua file."""

from collections.abc import Sequence
from typing import TypeAlias

from headrace_server.domain.jobs import Format, NewJob
from headrace_server.domain.requests import Ack, EnqueueGroup, Extend, LeaseAsk, Nack, Release, Snooze
from headrace_server.domain.retry import RetryPolicy

Args: TypeAlias = list[bytes | str | int]


def enqueue(groups: Sequence[EnqueueGroup], default_priority: int) -> Args:
    """Return the groups; a job's fields are sparse: what follows the defaults is not written."""
    args: Args = [len(groups)]
    for group in groups:
        args += [len(group.jobs), group.key.digest if group.key else b"", group.key.fingerprint if group.key else b""]
        for job in group.jobs:
            fields = _fields(job, default_priority)
            priority = default_priority if job.priority is None else job.priority
            run_at, expires_at = _instant(job.run_at_ms, job.delay_ms), _instant(job.expires_at_ms, job.expires_in_ms)
            args += [job.id, job.queue, priority, run_at, expires_at, len(fields), *fields]
    return args


def _instant(at_ms: int | None, in_ms: int | None) -> str:
    if at_ms is not None:
        return str(at_ms)
    return "" if in_ms is None else f"+{in_ms}"


def _fields(job: NewJob, default_priority: int) -> Args:
    fields: Args = ["t", job.task, "p", job.payload.data]
    options = _options(job)
    if options:
        fields += ["o", options]
    if job.payload.format is not Format.JSON:
        fields += ["pt", job.payload.format.value]
    if job.priority is not None and job.priority != default_priority:
        fields += ["pr", job.priority]
    for name, number in (("le", job.lease_ms), ("re", job.retention_ms), ("mc", job.max_crashes)):
        if number is not None:
            fields += [name, number]
    if job.retry is not None:
        fields += _retry_fields(job.retry)
    for name, data in (("m", job.meta), ("tr", job.trace)):
        if data is not None:
            fields += [name, data]
    return fields


def _options(job: NewJob) -> str:
    """Return the letters under which the scripts look for the rarer fields (lua/options.lua)."""
    letters = ""
    if job.expires_at_ms is not None or job.expires_in_ms is not None:
        letters += "e"
    if job.retention_ms is not None:
        letters += "k"
    return letters


def _retry_fields(retry: RetryPolicy) -> Args:
    fields: Args = [] if retry.max_attempts is None else ["ma", retry.max_attempts]
    jitter = None if retry.jitter is None else int(retry.jitter)
    policy = [retry.backoff, retry.initial_ms, retry.factor, retry.max_ms, jitter]
    if any(wish is not None for wish in policy):
        fields += ["rp", " ".join("-" if wish is None else str(wish) for wish in policy)]
    return fields


def lease(ask: LeaseAsk, *, jobs: int, mode: str, first: bool, wait_ms: int, seen: bool, tokens: bytes) -> Args:
    """Return one request of at most `jobs` jobs, with a token of 16 bytes for each."""
    return [
        jobs,
        ask.max_bytes,
        "" if ask.lease_ms is None else ask.lease_ms,
        ask.worker or "",
        ask.key or b"",
        mode,
        "1" if first else "",
        wait_ms,
        "1" if seen else "",
        tokens,
        len(ask.queues),
        *ask.queues,
    ]


def ack(item: Ack) -> Args:
    """Return one item of ack."""
    if item.result is None:
        return [item.job_id, item.token, "", "", ""]
    return [item.job_id, item.token, "1", item.result.data, item.result.format.value]


def nack(item: Nack, jitter: float) -> Args:
    """Return one item of nack; `jitter` is a random number in 0..1."""
    delay = "" if item.retry_in_ms is None else item.retry_in_ms
    return [item.job_id, item.token, item.error, item.error_type, "1" if item.retryable else "", delay, repr(jitter)]


def release(item: Release) -> Args:
    """Return one item of release."""
    return [item.job_id, item.token, item.reason]


def snooze(item: Snooze) -> Args:
    """Return one item of snooze."""
    return [item.job_id, item.token, item.delay_ms]


def extend(item: Extend) -> Args:
    """Return one item of extend."""
    return [item.job_id, item.token, "" if item.lease_ms is None else item.lease_ms]
