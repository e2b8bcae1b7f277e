"""Reads what the gate must know of a store: INFO, CONFIG GET and an empty WAITAOF; it must not judge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from headrace_server.store.connection import connected, undisturbed
from headrace_server.store.redact import redact
from headrace_server.store.refusal import StoreRefused, StoreUnreachable

LISTPACK_VALUE: Final = "hash-max-listpack-value"
LISTPACK_BYTES: Final = 1024  # a job with a payload up to this size takes half the memory
_WANTED: Final = ("maxmemory-policy", "appendonly", "appendfsync", "no-appendfsync-on-rewrite", "save", LISTPACK_VALUE)
_URL_FORMS: Final = "It must look like redis://HOST:6379/0, rediss://USER:PASSWORD@HOST:6379 or unix:///PATH."


@dataclass(frozen=True, kw_only=True)
class StoreReport:
    """A store as it describes itself."""

    url: str  # without its secrets
    server: str  # valkey or redis
    version: str
    mode: str  # standalone, cluster or sentinel
    role: str  # master or slave, in the store's own words
    replicas: int  # connected ones that are in step
    aof_enabled: bool
    policy: str | None  # maxmemory-policy; None: not told
    config: Mapping[str, str] | None  # None: CONFIG is refused
    waitaof: bool  # the store has the command and this user may call it


async def read_report(url: str, timeout_ms: int) -> StoreReport:
    """Return what the store behind `url` says about itself.

    Raises StoreUnreachable when it does not answer, StoreRefused for an unusable URL, login or permission.
    """
    shown = redact(url)
    try:
        return await undisturbed(_connect_and_read(url, shown, timeout_ms))
    except ValueError:
        raise StoreRefused(
            f"The store's URL {shown} cannot be used.", _URL_FORMS
        ) from None  # the cause may hold a secret
    except (AuthenticationError, NoPermissionError) as error:
        raise _no_entry(shown, error) from None
    except ResponseError as error:
        raise _no_entry(shown, error) if "NOAUTH" in str(error) else _silent(shown, error) from None
    except (RedisError, OSError, TimeoutError) as error:
        raise _silent(shown, error) from None


async def _connect_and_read(url: str, shown: str, timeout_ms: int) -> StoreReport:
    async with connected(url, timeout_ms) as client:
        return await _read(client, shown)


async def _read(client: Redis, shown: str) -> StoreReport:
    info = await client.info()
    if info.get("loading"):
        raise StoreUnreachable(f"The store {shown} is still reading its data.", "Wait until it has, then start again.")
    config = await _config(client)
    is_valkey = "valkey_version" in info
    return StoreReport(
        url=shown,
        server="valkey" if is_valkey else "redis",
        version=str(info["valkey_version" if is_valkey else "redis_version"]),
        mode=str(info.get("server_mode") or info.get("redis_mode", "standalone")),
        role=str(info.get("role", "master")),
        replicas=_replicas(info),
        aof_enabled=bool(info.get("aof_enabled")),
        policy=(config or {}).get("maxmemory-policy") or info.get("maxmemory_policy"),
        config=config,
        waitaof=await _has_waitaof(client),
    )


async def _config(client: Redis) -> dict[str, str] | None:
    # hosted stores rename CONFIG, or forbid it by ACL
    try:
        found = await client.config_get(*_WANTED)
    except ResponseError:
        return None
    return {str(name): str(value) for name, value in found.items()}


async def _has_waitaof(client: Redis) -> bool:
    # asks for nobody's acknowledgement: answers at once, and proves both the command and the permission
    try:
        await client.execute_command("WAITAOF", 0, 0, 0)  # type: ignore[no-untyped-call]
    except ResponseError:
        return False
    return True


def _replicas(info: Mapping[str, Any]) -> int:
    count = int(info.get("connected_slaves", 0))
    return sum(dict(info.get(f"slave{n}", {})).get("state") == "online" for n in range(count))


def _no_entry(shown: str, error: Exception) -> StoreRefused:
    return StoreRefused(
        f"The store {shown} does not let this server in ({type(error).__name__}).",
        "Put the right user and password into the URL (HEADRACE_REDIS_URL keeps them out of the process list). The "
        "user needs INFO and PING, the scripting, hash, sorted set, list and pub/sub commands on the keys of the "
        "namespace, and CONFIG GET or WAITAOF to prove durability.",
    )


def _silent(shown: str, error: Exception) -> StoreUnreachable:
    return StoreUnreachable(
        f"The store {shown} does not answer ({_why(error)}).",
        "Start it or correct the address (--redis, HEADRACE_REDIS_URL); without one the embedded store is used.",
    )


def _why(error: BaseException) -> str:
    """Return what the operating system said; the driver's own texts may hold parts of the URL."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
