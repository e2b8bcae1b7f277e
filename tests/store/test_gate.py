"""The gate on real stores: what is refused, what is waited for, and that every refusal says what to do."""

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from headrace_server.store import StoreFacts, StoreRefused, StoreUnreachable, inspect_store
from headrace_server.store.gate import judge
from headrace_server.store.report import StoreReport

from tests.support.stores import StoreProcess
from tests.support.waiting import eventually

pytestmark = pytest.mark.anyio
MakeStore = Callable[..., StoreProcess]


async def look(url: str, durability: str = "fsync", **options: Any) -> StoreFacts:
    asked: dict[str, Any] = {"assume": False, "replicas": 1, "tune": False, "timeout_ms": 2_000, **options}
    return await inspect_store(url, durability=durability, **asked)


async def refused(url: str, durability: str = "fsync", **options: Any) -> str:
    with pytest.raises(StoreRefused) as caught:
        await look(url, durability, **options)
    assert caught.value.remedy
    return str(caught.value)


def in_step(primary: StoreProcess) -> bool:
    return bool(primary.call("INFO", "replication").get("slave0", {}).get("state") == "online")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_durable_store_passes_without_waiting(store: StoreProcess) -> None:
    facts = await look(store.url)
    assert (facts.wait_aof, facts.wait_replicas, facts.warnings) == (0, 0, ())
    assert (facts.policy, facts.appendonly, facts.appendfsync, facts.role) == ("noeviction", True, "always", "master")
    assert "answers after the fsync" in facts.why


async def test_names_and_versions(valkey: StoreProcess, redis7: StoreProcess) -> None:
    new, old = await look(valkey.url), await look(redis7.url)
    assert (new.server, new.version[:2]) == ("valkey", "9.")
    assert (old.server, old.version[:4]) == ("redis", "7.0.")


async def test_an_evicting_policy_is_refused(make_store: MakeStore) -> None:
    text = await refused(make_store(maxmemory_policy="allkeys-lru").url)
    assert "allkeys-lru" in text
    assert "CONFIG SET maxmemory-policy noeviction" in text


async def test_everysec_is_refused_where_waitaof_is_missing(make_store: MakeStore) -> None:
    text = await refused(make_store("redis7", appendfsync="everysec").url)
    assert "appendfsync is everysec, and there is no WAITAOF" in text
    assert "CONFIG SET appendfsync always" in text


async def test_everysec_is_refused_where_waitaof_does_not_wait(make_store: MakeStore) -> None:
    text = await refused(make_store(appendfsync="everysec").url)
    assert "appendfsync is everysec, and its WAITAOF answers before the fsync (valkey 9." in text


async def test_the_waitaof_of_this_valkey_does_not_wait(make_store: MakeStore) -> None:
    """The day this fails Valkey is repaired, and may be let into gate.WAITAOF_HOLDS_SINCE."""
    store = make_store(appendfsync="everysec")
    begun = time.monotonic()
    with store.client(single_connection_client=True) as client:
        for n in range(5):
            client.set("key", n)
            assert list(client.execute_command("WAITAOF", 1, 0, 3_000)) == [1, 0]
    assert time.monotonic() - begun < 2.0, "five writes, each waiting for its own fsync of one a second, take 4 s"


@pytest.mark.parametrize(
    ("server", "version", "has_waitaof", "holds"),
    [
        ("redis", "8.0.0", True, True),
        ("redis", "8.2.10", True, True),
        ("redis", "8.0.0", False, False),  # forbidden by ACL
        ("redis", "7.4.6", True, False),
        ("redis", "7.2.4", True, False),
        ("valkey", "9.1.2", True, False),
    ],
)
@pytest.mark.parametrize("appendfsync", ["everysec", None])
async def test_whose_waitaof_counts(
    server: str, version: str, has_waitaof: bool, holds: bool, appendfsync: str | None
) -> None:
    config = None if appendfsync is None else {"appendfsync": appendfsync, "no-appendfsync-on-rewrite": "no"}
    report = StoreReport(
        url="redis://host",
        server=server,
        version=version,
        mode="standalone",
        role="master",
        replicas=0,
        aof_enabled=True,
        policy="noeviction",
        config=config,
        waitaof=has_waitaof,
    )
    if holds:
        facts = judge(report, durability="fsync", assume=False, replicas=0)
        assert (facts.wait_aof, facts.waitaof) == (1, True)
        assert "waits for its fsync by WAITAOF" in facts.why
        return
    with pytest.raises(StoreRefused, match="cannot prove that an accepted job is on disk"):
        judge(report, durability="fsync", assume=False, replicas=0)


async def test_no_append_only_file_is_refused(make_store: MakeStore) -> None:
    text = await refused(make_store(appendonly="no").url)
    assert "appendonly no" in text
    assert "CONFIG SET appendonly yes" in text


async def test_no_fsync_while_rewriting_is_refused(make_store: MakeStore) -> None:
    assert "no-appendfsync-on-rewrite no" in await refused(make_store(no_appendfsync_on_rewrite="yes").url)


@pytest.mark.parametrize("kind", ["valkey", "redis7"])
@pytest.mark.parametrize("hide", ["acl", "renamed"])
async def test_a_hidden_config_needs_somebody_to_vouch(make_store: MakeStore, kind: str, hide: str) -> None:
    store = make_store(kind, **({"rename_command": "CONFIG HIDDEN"} if hide == "renamed" else {}))
    if hide == "acl":
        store.call("ACL", "SETUSER", "default", "-config")
    text = await refused(store.url)
    assert "CONFIG is refused" in text
    assert "--assume-durability" in text
    facts = await look(store.url, assume=True)
    assert (facts.wait_aof, facts.appendfsync) == (0, None)
    assert "assumed" in facts.warnings[0]
    assert facts.policy == "noeviction", "INFO tells it"


async def test_a_forbidden_waitaof_does_not_count(make_store: MakeStore) -> None:
    store = make_store(appendfsync="everysec")
    store.call("ACL", "SETUSER", "default", "-waitaof")
    assert "there is no WAITAOF" in await refused(store.url)


async def test_a_replica_is_refused(make_store: MakeStore) -> None:
    primary, replica = make_store(port=free_port()), make_store()
    replica.call("REPLICAOF", "127.0.0.1", primary.port)
    assert "is a replica" in await refused(replica.url)


async def test_replica_modes_need_their_replicas(make_store: MakeStore) -> None:
    primary, replica = make_store(port=free_port(), repl_diskless_sync_delay="0"), make_store()
    assert "has 0 connected replicas, and the durability mode needs 1" in await refused(primary.url, "replica")
    replica.call("REPLICAOF", "127.0.0.1", primary.port)
    eventually(lambda: in_step(primary), 20.0, "the replica is in step")
    facts = await look(primary.url, "fsync+replica")
    assert (facts.wait_aof, facts.wait_replicas) == (0, 1)
    assert "needs 2" in await refused(primary.url, "replica", replicas=2)


async def test_relaxed_takes_a_second_of_loss_and_no_more(make_store: MakeStore) -> None:
    assert (await look(make_store(appendfsync="everysec").url, "relaxed")).warnings == ()
    assert "half a minute" in (await look(make_store(appendfsync="no").url, "relaxed")).warnings[0]
    assert "last snapshot" in (await look(make_store(appendonly="no", save="60 1").url, "relaxed")).warnings[0]
    assert "keeps nothing on disk" in await refused(make_store(appendonly="no").url, "relaxed")


async def test_cluster_mode_is_told_apart(make_store: MakeStore) -> None:
    store = make_store(port=free_port(), cluster_enabled="yes", cluster_port=str(free_port()))
    assert "cluster mode" in await refused(store.url)


async def test_tuning_is_offered_and_done(make_store: MakeStore) -> None:
    store = make_store(hash_max_listpack_value="64")
    assert "--tune-store" in (await look(store.url)).warnings[0]
    assert (await look(store.url, tune=True)).warnings == ()
    with store.client(decode_responses=True) as client:
        assert client.config_get("hash-max-listpack-value") == {"hash-max-listpack-value": "1024"}


async def test_a_wrong_password_shows_neither_itself_nor_the_right_one(make_store: MakeStore) -> None:
    store = make_store(port=free_port(), requirepass="right-secret")
    for login in ("", ":wrong-secret@"):
        text = await refused(f"redis://{login}127.0.0.1:{store.port}/0")
        assert "does not let this server in" in text
        assert "secret" not in text
    assert (
        await look(f"redis://:right-secret@127.0.0.1:{store.port}/0")
    ).url == f"redis://:***@127.0.0.1:{store.port}/0"


async def test_a_user_without_info_is_told(make_store: MakeStore) -> None:
    store = make_store()
    store.call("ACL", "SETUSER", "default", "-info")
    assert "needs INFO" in await refused(store.url)


async def test_nobody_there_is_unreachable(make_store: MakeStore) -> None:
    store = make_store(started=False)
    with pytest.raises(
        StoreUnreachable, match=r"does not answer \((Connection refused|No such file or directory)\)"
    ) as caught:
        await look(store.url)
    assert caught.value.exit_code == 69


async def test_a_frozen_store_is_unreachable_in_time(make_store: MakeStore) -> None:
    store = make_store()
    store.freeze()
    with pytest.raises(StoreUnreachable, match="does not answer"):
        await look(store.url, timeout_ms=200)


@pytest.mark.parametrize(
    "url", ["http://host/secret", "redis://host:secret/0", "redis://host:6379/0?socket_timeout=secret"]
)
async def test_an_unusable_url_is_refused_without_its_secrets(url: str) -> None:
    text = await refused(url)
    assert "cannot be used" in text
