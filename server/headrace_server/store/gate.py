"""The gate: may a server that promises this run on that store? Facts are read first (report.py), then judged purely."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from redis.exceptions import RedisError

from headrace_server.store.connection import connected
from headrace_server.store.refusal import StoreRefused
from headrace_server.store.report import LISTPACK_BYTES, LISTPACK_VALUE, StoreReport, read_report

OLDEST: Final = {"redis": (7, 0), "valkey": (7, 2)}
# Redis 7.4 and every Valkey so far (9.1.2) answer WAITAOF under `everysec` when the write is with the kernel, not with
# the disk (redis#13793, repaired in 8.0): a power cut then takes accepted jobs. 7.2 was not tried, so not trusted.
WAITAOF_HOLDS_SINCE: Final = {"redis": (8, 0)}
REPLICA_MODES: Final = frozenset({"replica", "fsync+replica"})
FSYNC_MODES: Final = frozenset({"fsync", "fsync+replica"})


@dataclass(frozen=True, kw_only=True)
class StoreFacts:
    """A store that passed, and what every mutating call must wait for."""

    url: str  # without its secrets
    server: str  # valkey or redis
    version: str
    role: str
    policy: str | None  # maxmemory-policy; None: the store does not tell
    appendonly: bool
    appendfsync: str | None  # None: the store does not tell
    waitaof: bool  # the command is there, and it waits for the disk
    durability: str  # the mode that was asked for and is kept
    why: str  # one sentence: why the mode holds on this store
    wait_aof: int  # local fsyncs to wait for after each change: 0 or 1
    wait_replicas: int  # replicas to wait for after each change
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fsync:
    """How a change comes to the disk."""

    wait_aof: int
    why: str
    warnings: tuple[str, ...] = ()


async def inspect_store(
    url: str, *, durability: str, assume: bool, replicas: int, tune: bool, timeout_ms: int
) -> StoreFacts:
    """Return the facts of the store behind `url` if it can keep `durability`; with `tune` set its hash limits first.

    Raises StoreRefused (what was found, why it matters, the remedy) and StoreUnreachable when it does not answer.
    """
    report = await read_report(url, timeout_ms)
    facts = judge(report, durability=durability, assume=assume, replicas=replicas)
    advice = await _tuned(url, timeout_ms) if tune and _can_be_tuned(report.config) else _advice(report.config)
    return facts if advice is None else replace(facts, warnings=(*facts.warnings, advice))


def judge(report: StoreReport, *, durability: str, assume: bool, replicas: int) -> StoreFacts:
    """Return the facts when a store like `report` keeps `durability`; raises StoreRefused otherwise."""
    _refuse_kind(report)
    warnings = _refuse_policy(report)
    if durability in FSYNC_MODES:
        fsync = _fsync(report, assume=assume)
    elif durability == "relaxed":
        fsync = _relaxed(report)
    else:
        fsync = Fsync(0, "nothing waits for a disk")
    why = fsync.why
    if durability in REPLICA_MODES:
        _refuse_too_few(report, replicas)
        why = f"{why}; every change waits for {replicas} of {report.replicas} connected replicas"
    return StoreFacts(
        url=report.url,
        server=report.server,
        version=report.version,
        role=report.role,
        policy=report.policy,
        appendonly=report.aof_enabled,
        appendfsync=(report.config or {}).get("appendfsync"),
        waitaof=_waitaof_holds(report),
        durability=durability,
        why=f"{durability}: {why}.",
        wait_aof=fsync.wait_aof,
        wait_replicas=replicas if durability in REPLICA_MODES else 0,
        warnings=(*warnings, *fsync.warnings),
    )


def _refuse_kind(report: StoreReport) -> None:
    if report.mode == "sentinel":
        raise StoreRefused(f"{report.url} is a Sentinel, which keeps no data.", "Give the address of the store itself.")
    oldest = OLDEST[report.server]
    if _minor(report) < oldest:
        raise StoreRefused(
            f"{report.url} is {report.server} {report.version}; the scripts need {oldest[0]}.{oldest[1]} or newer.",
            "Use Redis >= 7.0 or Valkey, or leave --redis away: the embedded store needs nothing.",
        )
    if report.mode == "cluster":
        raise StoreRefused(
            f"{report.url} runs in cluster mode, which this version does not serve yet: a failover or a moved slot "
            "would go unnoticed.",
            "Use a store with `cluster-enabled no`.",
        )
    if report.role != "master":
        raise StoreRefused(
            f"{report.url} is a replica: it refuses every change, or loses it at the next full sync.",
            "Give the address of the primary.",
        )


def _refuse_policy(report: StoreReport) -> tuple[str, ...]:
    if report.policy is None:
        return ("The store does not tell its maxmemory-policy: make sure that it is noeviction, else jobs vanish.",)
    if report.policy != "noeviction":
        raise StoreRefused(
            f"{report.url} has maxmemory-policy {report.policy}: when memory is short it throws accepted jobs away.",
            "Run `CONFIG SET maxmemory-policy noeviction` on it, and put that into its configuration.",
        )
    return ()


def _fsync(report: StoreReport, *, assume: bool) -> Fsync:
    if not report.aof_enabled:
        raise StoreRefused(
            f"{report.url} has appendonly no: after a crash it comes back without the jobs it accepted.",
            "Run `CONFIG SET appendonly yes` and `CONFIG SET appendfsync always` on it (and put both into its "
            "configuration), or accept the loss of the last seconds: --durability relaxed with snapshots.",
        )
    config = report.config
    if config is not None and config["no-appendfsync-on-rewrite"] == "yes":
        raise StoreRefused(
            f"{report.url} has no-appendfsync-on-rewrite yes: while it rewrites its log nothing is fsynced.",
            "Run `CONFIG SET no-appendfsync-on-rewrite no` on it.",
        )
    if config is not None and config["appendfsync"] == "always":
        return Fsync(0, "the store shows appendonly yes and appendfsync always, so it answers after the fsync")
    told = f"appendfsync is {config['appendfsync']}" if config is not None else "CONFIG is refused"
    if _waitaof_holds(report):
        return Fsync(1, f"{told}, so every change waits for its fsync by WAITAOF")
    no_waitaof = "its WAITAOF answers before the fsync" if report.waitaof else "there is no WAITAOF"
    if config is None and assume:
        warning = "Durability fsync is assumed (--assume-durability): nothing in the store confirms it."
        return Fsync(0, f"{told}, {no_waitaof}, and --assume-durability vouches for appendfsync always", (warning,))
    raise StoreRefused(
        f"{report.url} cannot prove that an accepted job is on disk: {told}, and {no_waitaof} "
        f"({report.server} {report.version}).",
        "Run `CONFIG SET appendfsync always` on it and allow this user `CONFIG GET`, or use Redis 8.0 or newer, whose "
        "WAITAOF does; or say --durability relaxed; where CONFIG is refused and you know that it is set: "
        "--assume-durability.",
    )


def _waitaof_holds(report: StoreReport) -> bool:
    since = WAITAOF_HOLDS_SINCE.get(report.server)
    return report.waitaof and since is not None and _minor(report) >= since


def _minor(report: StoreReport) -> tuple[int, ...]:
    return tuple(int(part) for part in report.version.split(".")[:2])


def _relaxed(report: StoreReport) -> Fsync:
    config = report.config
    if report.aof_enabled:
        if config is not None and config["appendfsync"] == "no":
            return Fsync(0, "the operating system decides when to write", ("appendfsync no may lose half a minute.",))
        return Fsync(0, "the append-only file is fsynced about every second, the last second may be lost")
    if config is None or config["save"]:
        warning = "No append-only file: a crash loses what came after the last snapshot. `CONFIG SET appendonly yes`."
        return Fsync(0, "the store keeps snapshots only", (warning,))
    raise StoreRefused(
        f"{report.url} keeps nothing on disk (appendonly no, save is empty): a restart would lose every job.",
        "Run `CONFIG SET appendonly yes` on it, or leave --redis away: the embedded store is durable.",
    )


def _refuse_too_few(report: StoreReport, replicas: int) -> None:
    if report.replicas < replicas:
        raise StoreRefused(
            f"{report.url} has {report.replicas} connected replicas, and the durability mode needs {replicas}: "
            "no change could be confirmed.",
            "Connect more replicas, lower HEADRACE_REPLICAS, or choose --durability fsync.",
        )


def _can_be_tuned(config: Mapping[str, str] | None) -> bool:
    return config is not None and int(config[LISTPACK_VALUE]) < LISTPACK_BYTES


def _advice(config: Mapping[str, str] | None) -> str | None:
    if not _can_be_tuned(config):
        return None
    return f"{LISTPACK_VALUE} is below {LISTPACK_BYTES}: a job takes twice the memory. --tune-store sets it."


async def _tuned(url: str, timeout_ms: int) -> str | None:
    try:
        async with connected(url, timeout_ms) as client:
            await client.config_set(LISTPACK_VALUE, LISTPACK_BYTES)
    except (RedisError, OSError) as error:
        return f"--tune-store could not set {LISTPACK_VALUE} ({type(error).__name__})."
    return None
