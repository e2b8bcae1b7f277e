"""Writes the arguments of the scripts; the order of each list is the header of its Lua file."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Final, TypeAlias

from headrace_server.domain.alike import Alike
from headrace_server.domain.jobs import Format, NewJob, OnDead, Unique
from headrace_server.domain.requests import (
    Ack,
    CancelAsk,
    EnqueueGroup,
    Extend,
    LeaseAsk,
    Nack,
    Patch,
    Redrive,
    Release,
    Snooze,
)
from headrace_server.domain.retry import RetryPolicy

Args: TypeAlias = list[bytes | str | int]
SEPARATOR: Final = "\x1f"  # between the parts of one field: in none of them, for all are visible characters
# What most jobs do not ask for: read in one call, and compared in another.
_RARE: Final = attrgetter(
    *("expires_at_ms", "expires_in_ms", "retention_ms", "result_ttl_ms", "fairness_key", "ordering_key"),
    *("retry", "schedule", "unique", "tags", "limits"),
)
_NONE_RARE: Final = (None,) * 10 + ((),)


def enqueue(groups: Sequence[EnqueueGroup]) -> Args:
    """Return the groups; a job's fields are sparse: what follows the defaults is not written."""
    args: Args = [len(groups)]
    head = ""
    for group in groups:
        key = b"" if group.key is None else group.key.digest + group.key.fingerprint
        how = ("e" if group.each else "") + ("b" if group.brief else "")
        if type(group.jobs) is Alike:
            args += (len(group.jobs), how + "a", key, *_alike(group.jobs))
            continue
        args += (len(group.jobs), how, key)
        for job in group.jobs:
            more = _more(job)
            own = _head(job, more)
            args += (job.id, "" if own == head else own, job.task, job.payload.data)
            args += more
            head = own
    return args


def _alike(jobs: Alike) -> Args:
    more = _more(jobs.one)
    return [jobs.ids, _head(jobs.one, more), jobs.one.task, *more, *jobs.payloads]


def new_job(job: NewJob) -> Args:
    """Return one job, as `lua/wishes.lua` takes it."""
    more = _more(job)
    return [job.id, _head(job, more), job.task, job.payload.data, *more]


def _head(job: NewJob, more: Args) -> str:
    """Return what the jobs of a call mostly have in common: it is sent once for those that follow each other."""
    priority = "-" if job.priority is None else job.priority
    if is_plain(job) and job.delay_ms is job.run_at_ms is None:
        return f"{job.queue} {priority} - - {len(more) // 2}"
    run_at = _instant(job.run_at_ms, job.delay_ms) or "-"
    expires_at = _instant(job.expires_at_ms, job.expires_in_ms) or "-"
    return f"{job.queue} {priority} {run_at} {expires_at} {len(more) // 2} {_options(job)}"


def _or_empty(number: int | None) -> int | str:
    return "" if number is None else number


def _instant(at_ms: int | None, in_ms: int | None) -> str:
    if at_ms is not None:
        return str(at_ms)
    return "" if in_ms is None else f"+{in_ms}"


def _options(job: NewJob) -> str:
    """Return the letters of the rarer things that a job asks for (`lua/options.lua` says what each means)."""
    retry = job.retry or RetryPolicy()
    wishes = {
        "e": job.expires_at_ms is not None or job.expires_in_ms is not None,
        "k": job.retention_ms is not None,
        "l": job.fairness_key is not None or job.ordering_key is not None or bool(job.limits),
        "u": job.unique is not None,
        "t": bool(job.tags),
        "r": (retry.max_elapsed_ms, retry.non_retryable, retry.on_exhausted) != (None, None, None),
        "v": job.result_ttl_ms is not None,
        "s": job.schedule is not None,
    }
    letters = "".join(letter for letter, is_wished in wishes.items() if is_wished)
    if job.unique is None:
        return letters
    return f"{letters} {job.unique.on_conflict} {_or_empty(job.unique.ttl_ms)}".rstrip()


def is_plain(job: NewJob) -> bool:
    """Tell whether a job asks for none of these: most do, and a batch has a thousand of them."""
    return bool(_RARE(job) == _NONE_RARE)


def _more(job: NewJob) -> Args:
    """Return the fields that a job has beside its task and payload."""
    fields: Args = []
    if job.payload.media is not None or job.payload.format is not Format.JSON:
        fields += ["pt", job.payload.media or job.payload.format.value]
    if is_plain(job):
        if (
            job.priority is job.lease_ms is job.max_crashes is job.max_runtime_ms is None
            and job.meta is job.trace is None
        ):
            return fields
        wishes = {"pr": job.priority, "le": job.lease_ms, "mc": job.max_crashes, "mx": job.max_runtime_ms}
        return fields + _present({**wishes, "m": job.meta, "tr": job.trace})
    optional: dict[str, bytes | str | int | None] = {
        "pr": job.priority,
        "le": job.lease_ms,
        "re": job.retention_ms,
        "mc": job.max_crashes,
        "mx": job.max_runtime_ms,
        "rl": job.result_ttl_ms,
        "m": job.meta,
        "tr": job.trace,
        "sd": None if job.schedule is None else f"{job.schedule.name} {job.schedule.slot_ms}",
    }
    fields += _present(optional)
    if job.retry is not None:
        fields += _retry_fields(job.retry)
    if job.tags:
        fields += ["tg", SEPARATOR.join(sorted(f"{name}={value}" for name, value in job.tags.items()))]
    if job.unique is not None:
        fields += ["uq", _unique(job.unique)]
    return fields + _lane_fields(job)


def _present(fields: Mapping[str, bytes | str | int | None]) -> Args:
    return [part for name, value in fields.items() if value is not None for part in (name, value)]


def _retry_fields(retry: RetryPolicy) -> Args:
    on_exhausted = None if retry.on_exhausted is None else retry.on_exhausted.value
    fields = _present({"ma": retry.max_attempts, "me": retry.max_elapsed_ms, "ox": on_exhausted})
    if retry.non_retryable is not None:
        fields += ["nr", SEPARATOR.join(retry.non_retryable)]
    jitter = None if retry.jitter is None else int(retry.jitter)
    policy = [retry.backoff, retry.initial_ms, retry.factor, retry.max_ms, jitter]
    if any(wish is not None for wish in policy):
        fields += ["rp", " ".join("-" if wish is None else str(wish) for wish in policy)]
    return fields


def _lane_fields(job: NewJob) -> Args:
    fields = _present({"fk": job.fairness_key, "ok": job.ordering_key})
    if job.fairness_key is not None and job.weight != 1:
        fields += ["fw", job.weight]
    if job.ordering_key is not None and job.on_dead is OnDead.HOLD:
        fields += ["oh", "1"]
    return fields + (["li", " ".join(sorted(job.limits))] if job.limits else [])


def _unique(unique: Unique) -> bytes:
    return unique.until[0].encode() + unique.digest


def lease(ask: LeaseAsk, *, jobs: int, mode: str, first: bool, wait_ms: int, seen: bool, tokens: bytes) -> Args:
    """Return one request of at most `jobs` jobs, with a token of 16 bytes for each."""
    return [
        jobs,
        ask.max_bytes,
        _or_empty(ask.lease_ms),
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
        return [item.job_id, item.token, "", "", "", ""]
    kind = item.result.media or item.result.format
    return [item.job_id, item.token, "1", item.result.data, kind, _or_empty(item.result_ttl_ms)]


def nack(item: Nack, jitter: float) -> Args:
    """Return one item of nack; `jitter` is a random number in 0..1."""
    again = "discard" if item.discard else "1" if item.retryable else ""
    return [item.job_id, item.token, item.error, item.error_type, again, _or_empty(item.retry_in_ms), repr(jitter)]


def release(item: Release) -> Args:
    """Return one item of release."""
    return [item.job_id, item.token, item.reason]


def snooze(item: Snooze) -> Args:
    """Return one item of snooze."""
    return [item.job_id, item.token, item.delay_ms, item.reason, item.checkpoint or b""]


def extend(item: Extend) -> Args:
    """Return one item of extend."""
    return [item.job_id, item.token, _or_empty(item.lease_ms), item.progress or b"", item.checkpoint or b""]


def cancel(ask: CancelAsk) -> Args:
    """Return one item of cancel."""
    return [ask.job_id, ask.reason, ask.mode.value]


def redrive(ask: Redrive) -> Args:
    """Return one item of redrive."""
    return [ask.job_id, ask.queue or ""]


def patch(ask: Patch) -> Args:
    """Return one item of patch."""
    return [ask.job_id, _or_empty(ask.priority), _instant(ask.run_at_ms, ask.delay_ms), ask.queue or ""]


def delete(job_id: bytes) -> Args:
    """Return one item of delete."""
    return [job_id]
