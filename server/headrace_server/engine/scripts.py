"""Loads the Lua verbs: libraries and defaults in front, flags from the header; it must not know what a verb does."""

import hashlib
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

import msgspec

from headrace_server.domain import limits
from headrace_server.domain.defaults import Defaults
from headrace_server.engine.functions import assemble, assemble_script

VERBS: Final = (
    "init",
    "enqueue",
    "lease",
    "ack",
    "nack",
    "release",
    "snooze",
    "extend",
    "giveback",
    "cancel",
    "redrive",
    "patch",
    "delete",
    "get",
    "watch",
    "wait",
    "peek",
    "list",
    "attempts",
    "explain",
    "queues",
    "stats",
    "metrics",
    "queue",
    "configure",
    "forget",
    "limits",
    "limit",
    "schedule",
    "schedules",
    "fire",
    "webhook",
    "webhooks",
    "relay",
    "heartbeat",
    "workers",
    "direct",
    "dismiss",
    "directives",
    "operate",
    "operations",
    "stop",
    "events",
    "check",
    "clock",
    "tick",
)
FUNCTION_PREFIX: Final = "headrace_"
CLOCK_LINE: Final = "local t = redis.call('TIME') -- the one reading of a clock; tests put a virtual one here"
# the key of meta is read by these scripts alone: those of everybody else pay nothing for it
_TEST_CLOCK: Final = (
    "local t = redis.call('TIME')\nt[2] = tonumber(t[2]) + 1000 * tonumber(redis.call('HGET', META, 'ahead_ms') or '0')"
)
_VIRTUAL_CLOCK: Final = (
    "local ms = tonumber(redis.call('GET', P .. 'clock'))\nlocal t = {math.floor(ms / 1000), ms % 1000 * 1000}"
)
_LEASE_EXPIRED: Final = b'{"type":"LeaseExpired","message":"the worker neither settled nor extended its lease in time"}'
_RUNTIME_EXCEEDED: Final = b'{"type":"MaxRuntimeExceeded","message":"the job ran longer than its max_runtime_ms"}'
_HEADER: Final = re.compile(r"^-- (uses|flags): +(.*)$", re.MULTILINE)


class Script(msgspec.Struct, frozen=True):
    """One verb, as a function of the store, and as a script for a store that takes no functions."""

    verb: str
    function: str  # its name, and that of its library: no other text has it
    library: bytes  # for FUNCTION LOAD
    source: bytes  # for EVAL
    sha: str  # SHA-1 of the source in hex
    writes: bool


def load_scripts(
    defaults: Defaults,
    *,
    test_clock: bool = False,
    virtual_clock: bool = False,
    overrides: Mapping[str, str] | None = None,
) -> dict[str, Script]:
    """Return every verb's script.

    With `test_clock` the scripts are ahead of TIME by as much as `clock` has set them forward. With `virtual_clock`
    they read the time from the key `<prefix>clock` (unix ms) instead of TIME: the tests of the scripts themselves.
    `overrides` replaces files by name (without `.lua`): the tests' mutants.
    """
    files = read_files() | dict(overrides or {})
    assert CLOCK_LINE in files["lib"], "lib.lua must read the clock in exactly this line"
    if test_clock or virtual_clock:
        files["lib"] = files["lib"].replace(CLOCK_LINE, _TEST_CLOCK if test_clock else _VIRTUAL_CLOCK)
    return {verb: _assemble(verb, files, _defaults_table(defaults)) for verb in VERBS}


def read_files() -> dict[str, str]:
    """Return the Lua files by name, as they are in the package."""
    folder = resources.files(__package__) / "lua"
    return {f.name.removesuffix(".lua"): f.read_text("utf-8") for f in folder.iterdir() if f.name.endswith(".lua")}


def _assemble(verb: str, files: Mapping[str, str], defaults: str) -> Script:
    header = dict(_HEADER.findall(files[verb]))
    libraries = [] if header["uses"].startswith("nothing") else header["uses"].split()
    flags = "" if header["flags"] == "none" else header["flags"]
    texts = [files[name] for name in (*libraries, verb)]
    source = assemble_script(flags, defaults, texts).encode()
    sha = hashlib.sha1(source, usedforsecurity=False).hexdigest()
    function = f"{FUNCTION_PREFIX}{verb}_{sha[:16]}"
    library = assemble(function, flags, defaults, texts).encode()
    return Script(verb, function, library, source, sha, writes="no-writes" not in flags)


def _defaults_table(defaults: Defaults) -> str:
    values: dict[str, Any] = msgspec.structs.asdict(defaults) | {
        "backoff": defaults.backoff.value,
        "jitter": int(defaults.jitter),
        "script_bytes": limits.SCRIPT_BYTES,
        "attempts_kept": limits.ATTEMPTS_KEPT,
        "short_attempt_bytes": limits.SHORT_ATTEMPT_BYTES,
        "settled_tokens_kept": limits.SETTLED_TOKENS_KEPT,
        "idempotency_bucket_ms": limits.IDEMPOTENCY_BUCKET_MS,
        # one more than fit into the promise: a key of the oldest bucket may be written in its last moment
        "idempotency_buckets": limits.IDEMPOTENCY_TTL_MS // limits.IDEMPOTENCY_BUCKET_MS + 1,
        "echo_ms": limits.ECHO_MS,
        "events_kept_revs": limits.EVENTS_KEPT_REVS,
        "check_step": limits.CHECK_STEP,
        "operation_sample": limits.OPERATION_SAMPLE,
        "operation_retention_ms": limits.OPERATION_RETENTION_MS,
        "poll_lost_ms": limits.POLL_LOST_MS,
        "max_counted_tasks": limits.MAX_COUNTED_TASKS,
        "task_kept_ms": limits.TASK_KEPT_MS,
        "schedule_runs_kept": limits.SCHEDULE_RUNS_KEPT,
        "max_workers": limits.MAX_WORKERS,
        "worker_kept_ms": limits.WORKER_KEPT_MS,
        "lanes_touched": limits.LANES_TOUCHED,
        "lanes_opened": limits.LANES_OPENED,
        "lease_expired": _LEASE_EXPIRED.decode(),
        "runtime_exceeded": _RUNTIME_EXCEEDED.decode(),
    }
    fields = (f"{name}={value!r}" for name, value in values.items())
    return "local DEFAULTS = {" + ", ".join(fields) + "}"
