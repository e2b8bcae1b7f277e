"""What is wrong with settings that could be read, each with a remedy; pure."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from headrace_server.config import Settings, env_name
from headrace_server.domain import limits
from headrace_server.domain.addresses import networks
from headrace_server.telemetry import FORMATS, LEVELS

_NAMESPACE: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")
MAX_PROCESSES: Final = 256
MAX_PORT: Final = 65_535
_RANGES: Final[dict[str, tuple[int, int]]] = {
    "port": (0, MAX_PORT),
    "processes": (1, MAX_PROCESSES),
    "shards": (1, limits.MAX_SHARDS),
    "replicas": (1, 100),
    "grace_ms": (0, limits.HOUR_MS),
    "receive_timeout_ms": (100, limits.HOUR_MS),
    "max_header_bytes": (limits.KIB, limits.MIB),
    "max_body_bytes": (limits.KIB, limits.KIB * limits.MIB),
    "max_payload_bytes": (1, 64 * limits.MIB),
    "store_timeout_ms": (100, limits.HOUR_MS),
    "store_connect_timeout_ms": (10, limits.HOUR_MS),
    "check_interval_ms": (0, limits.DAY_MS),
    "lease_ms": (limits.MIN_LEASE_MS, limits.MAX_LEASE_MS),
    "max_attempts": (1, limits.MAX_ATTEMPTS),
    "max_crashes": (1, limits.MAX_CRASHES),
    "retry_initial_ms": (0, limits.MAX_DELAY_MS),
    "retry_max_ms": (0, limits.MAX_DELAY_MS),
    "succeeded_retention_ms": (limits.MIN_RETENTION_MS, limits.MAX_RETENTION_MS),
    "dead_retention_ms": (limits.MIN_RETENTION_MS, limits.MAX_RETENTION_MS),
    "cancelled_retention_ms": (limits.MIN_RETENTION_MS, limits.MAX_RETENTION_MS),
    "worker_timeout_ms": (limits.SECOND_MS, limits.DAY_MS),
}


def faults(settings: Settings) -> Iterator[str]:
    """Yield why a server must not start with these settings, and what to write instead."""
    if not settings.is_loopback and not settings.tokens and not settings.insecure_public:
        yield (
            f"{settings.host or 'every address'} can be reached from other machines, and there are no tokens: anybody "
            "could run and read everything. Set HEADRACE_TOKENS=<long random text>, or listen on 127.0.0.1 "
            "(--host 127.0.0.1), or say --insecure-public when something else guards the door."
        )
    for name, (low, high) in _RANGES.items():
        if not low <= getattr(settings, name) <= high:
            yield f"{env_name(name)} must be from {low} to {high}; it is {getattr(settings, name)}."
    for name, words in (("log_level", LEVELS), ("log_format", FORMATS)):
        if getattr(settings, name) not in words:
            yield f"{env_name(name)} must be one of {', '.join(words)}; it is {getattr(settings, name)!r}."
    if settings.test_clock and settings.processes > 1:
        yield "--test-clock needs one process, which drives the clock: leave --processes (HEADRACE_PROCESSES) at 1."
    if not _NAMESPACE.fullmatch(settings.namespace):
        yield f"HEADRACE_NAMESPACE must be 1 to 32 characters of A-Z a-z 0-9 _ . -; it is {settings.namespace!r}."
    try:
        networks(settings.webhook_networks)
    except ValueError as fault:
        yield f"HEADRACE_WEBHOOK_NETWORKS must name networks, such as 192.0.2.0/24 or fd00::/8: {fault}."
    if any(not token.isascii() or not token.isprintable() or " " in token for token in settings.tokens):
        yield "HEADRACE_TOKENS holds a token with spaces or characters beyond ASCII, which no header can carry."


def secrets(settings: Settings) -> list[str]:
    """Return the texts that must never be printed: tokens, Sentry's DSN, and the passwords in the store's URL."""
    parts = urlsplit(settings.redis_url or "")
    in_query = [value for name, value in parse_qsl(parts.query) if "password" in name]
    return [text for text in (*settings.tokens, parts.password, settings.sentry_dsn, *in_query) if text]
