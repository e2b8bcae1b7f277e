"""Every setting: environment name, default, unit and meaning; the only module of the server that reads the environment.

Command-line flags, `docs/operations/settings.md` and `headrace doctor` are made from the fields below.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, get_type_hints

from headrace_server.domain import limits
from headrace_server.domain.defaults import Defaults

PREFIX: Final = "HEADRACE_"


class Durability(StrEnum):
    """What a 2xx of an enqueue stands for."""

    RELAXED = "relaxed"  # appended, fsynced within a second
    FSYNC = "fsync"  # fsynced
    REPLICA = "replica"  # on at least one replica
    FSYNC_REPLICA = "fsync+replica"


class SettingsError(Exception):
    """A setting that cannot be used; the text says which one, why, and what to write instead."""


# only of kinds that cannot be secrets: their values are shown
_WORDS: Final[dict[Any, str]] = {
    bool: "1 or 0",
    int: "a whole number",
    Durability: f"one of {', '.join(Durability)}",
}


def setting(default: Any, meaning: str, *, secret: bool = False, flag: str | None = None) -> Any:
    """Declare one setting: `meaning` says what it is and its unit, `flag` names a command-line flag."""
    return field(default=default, metadata={"meaning": meaning, "secret": secret, "flag": flag})


def _state_home() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one server; `Settings.read(os.environ)` fills them."""

    host: str = setting(
        "127.0.0.1",
        "Address to listen on; another than loopback needs tokens.",
        flag="--host",
    )
    port: int = setting(8080, "Port to listen on; 0 takes a free one.", flag="--port")
    data_dir: Path | None = setting(
        None,
        "Folder of the embedded store; by default headrace/ in the user's state folder.",
        flag="--data-dir",
    )
    redis_url: str | None = setting(
        None,
        "External store (redis://, rediss://, unix://) instead of the embedded one.",
        secret=True,
        flag="--redis",
    )
    store_malloc: str = setting(
        "auto",
        "Allocator of the embedded store: auto preloads jemalloc where the machine has it and the store has none of "
        "its own; none preloads nothing; else a library's name or path.",
    )
    processes: int = setting(1, "Server processes on one port.", flag="--processes")
    durability: Durability = setting(
        Durability.FSYNC,
        "What a 2xx stands for: relaxed, fsync, replica, fsync+replica.",
        flag="--durability",
    )
    assume_durability: bool = setting(
        False,
        "Start with durability fsync though the store neither shows its configuration nor has a WAITAOF to trust.",
        flag="--assume-durability",
    )
    replicas: int = setting(1, "Replicas that must have a write in the replica modes.")
    namespace: str = setting("hr", "First part of every key in the store.", flag="--namespace")
    shards: int = setting(1, "Parts of the key space, fixed at the first start on a store.")
    tune_store: bool = setting(
        False,
        "Set hash-max-listpack-value on an external store (halves the memory of a job).",
        flag="--tune-store",
    )
    tokens: tuple[str, ...] = setting((), "Bearer tokens, separated by commas; empty: no authentication.", secret=True)
    insecure_public: bool = setting(
        False,
        "Listen on a public address without tokens: anybody who can reach it may do everything.",
        flag="--insecure-public",
    )
    allowed_origins: tuple[str, ...] = setting(
        (),
        "Browser origins that may call the API, separated by commas; empty: only its own pages.",
    )
    log_level: str = setting("info", "debug, info, warning or error.", flag="--log-level")
    log_format: str = setting(
        "auto",
        "text, logfmt or json (ECS names), one line per event; auto: text on a terminal, else logfmt.",
        flag="--log-format",
    )
    sentry_dsn: str | None = setting(None, "Report faults of the server to Sentry (extra `sentry`).", secret=True)
    sentry_messages: bool = setting(False, "Report messages of exceptions, too: they may repeat what was sent.")
    grace_ms: int = setting(10_000, "Time that running requests get at SIGTERM, in milliseconds.")
    receive_timeout_ms: int = setting(30_000, "Time for a whole request to arrive, in milliseconds.")
    max_header_bytes: int = setting(limits.MAX_HEADER_BYTES, "Largest request line and headers, in bytes.")
    max_body_bytes: int = setting(limits.MAX_BODY_BYTES, "Largest request body, in bytes.")
    max_payload_bytes: int = setting(limits.MAX_PAYLOAD_BYTES, "Largest payload or result of one job, in bytes.")
    store_timeout_ms: int = setting(5_000, "Time for one answer of the store, in milliseconds.")
    store_connect_timeout_ms: int = setting(1_000, "Time to connect to the store, in milliseconds.")
    lease_ms: int = setting(
        Defaults().lease_ms,
        "Lease length where nobody asks for one, in milliseconds.",
    )
    max_attempts: int = setting(
        Defaults().max_attempts,
        "Runs of the handler in all where the job does not say.",
    )
    max_crashes: int = setting(
        Defaults().max_crashes,
        "Lost leases until a job is dead where the job does not say.",
    )
    retry_initial_ms: int = setting(Defaults().initial_ms, "Wait after the first failure, in milliseconds.")
    retry_max_ms: int = setting(Defaults().max_ms, "Longest wait between two attempts, in milliseconds.")
    succeeded_retention_ms: int = setting(
        Defaults().succeeded_retention_ms,
        "Keep succeeded jobs, in milliseconds.",
    )
    dead_retention_ms: int = setting(
        Defaults().dead_retention_ms,
        "Keep dead jobs, in milliseconds.",
    )
    cancelled_retention_ms: int = setting(
        Defaults().cancelled_retention_ms,
        "Keep cancelled jobs, in milliseconds.",
    )
    worker_timeout_ms: int = setting(
        Defaults().worker_timeout_ms,
        "A worker that does not say when its next heartbeat comes is lost after so long without one, in milliseconds.",
    )
    test_clock: bool = setting(
        False,
        "For tests only: a clock that POST /v1/test/clock sets forward, on a store that is empty or was made for it.",
        flag="--test-clock",
    )
    events: bool = setting(False, "Write the log of state changes always, not only while somebody reads it.")
    webhook_networks: tuple[str, ...] = setting(
        (),
        "Networks beside the public one that webhooks may lead to, also by http: 192.0.2.0/24, separated by commas.",
    )
    check_interval_ms: int = setting(
        10 * limits.MINUTE_MS,
        "Compare the indexes with the jobs this often, in milliseconds; 0: never.",
    )

    @classmethod
    def read(cls, environ: Mapping[str, str], **overrides: Any) -> "Settings":
        """Return the settings from HEADRACE_* variables; `overrides` that are not None win.

        Raises SettingsError for a value that cannot be read.
        """
        values: dict[str, Any] = {}
        hints = get_type_hints(cls)
        for f in fields(cls):
            text = environ.get(env_name(f.name))
            if text is not None:
                values[f.name] = _parse(env_name(f.name), text, hints[f.name])
        values.update({name: value for name, value in overrides.items() if value is not None})
        return cls(**values)

    def defaults(self) -> Defaults:
        """Return what a job gets that asks for nothing."""
        return Defaults(
            lease_ms=self.lease_ms,
            max_attempts=self.max_attempts,
            max_crashes=self.max_crashes,
            initial_ms=self.retry_initial_ms,
            max_ms=self.retry_max_ms,
            succeeded_retention_ms=self.succeeded_retention_ms,
            dead_retention_ms=self.dead_retention_ms,
            cancelled_retention_ms=self.cancelled_retention_ms,
            worker_timeout_ms=self.worker_timeout_ms,
        )

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:  # a name: it may stand for any address
            return False

    def environ(self) -> dict[str, str]:
        """Return the variables from which `read` makes the same settings: how a child process gets them."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return {env_name(name): _text(value) for name, value in given.items() if value is not None}

    def store_dir(self) -> Path:
        """Return the folder of the embedded store."""
        return self.data_dir if self.data_dir is not None else _state_home() / "headrace"


def env_name(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _parse(name: str, text: str, hint: Any) -> Any:
    try:
        if hint is bool:
            return {
                "1": True,
                "true": True,
                "yes": True,
                "0": False,
                "false": False,
                "no": False,
                "": False,
            }[text.strip().lower()]
        if hint is int:
            return int(text)
        if hint is Durability:
            return Durability(text)
        if hint == tuple[str, ...]:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        if hint == (Path | None):
            return Path(text) if text else None
        return text or None if hint == (str | None) else text
    except (KeyError, ValueError):
        raise SettingsError(f"{name} must be {_WORDS[hint]}; it is {text!r}.") from None
