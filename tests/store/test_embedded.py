"""The embedded store when all goes well, and the messages when it cannot be started."""

import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from headrace_server.store import Binary, EmbeddedStore, StoreRefused

from tests.store.conftest import Owner
from tests.support.processes import runs
from tests.support.stores import redis7_binary, valkey_binary

pytestmark = pytest.mark.anyio
quiet: list[str] = []


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def used(store: EmbeddedStore, *command: str) -> object:
    """Start a store, run one command, stop it."""
    url = await store.start()
    try:
        with redis.Redis.from_url(url, decode_responses=True) as client:
            return client.execute_command(*command)
    finally:
        await store.stop()


@pytest.mark.parametrize(
    ("durability", "option", "value"),
    [
        ("fsync", "appendfsync", "always"),
        ("relaxed", "appendfsync", "everysec"),
        ("fsync", "appendonly", "yes"),
        ("fsync", "save", ""),
        ("fsync", "maxmemory-policy", "noeviction"),
        ("fsync", "no-appendfsync-on-rewrite", "no"),
        ("fsync", "aof-load-truncated", "yes"),
        ("fsync", "hash-max-listpack-value", "1024"),
        ("fsync", "hash-max-listpack-entries", "512"),
        ("fsync", "zset-max-listpack-entries", "32"),
        ("fsync", "port", "0"),
    ],
)
async def test_it_runs_with(data_dir: Path, durability: str, option: str, value: str) -> None:
    store = EmbeddedStore(data_dir, log=quiet.append, durability=durability)
    found = await used(store, "CONFIG", "GET", option)
    assert found in ({option: value}, [option, value])


async def test_facts_say_what_runs(data_dir: Path) -> None:
    store = EmbeddedStore(data_dir, log=quiet.append)
    await store.start()
    facts = store.facts
    await store.stop()
    assert (facts.binary, facts.adopted, facts.joined) == (str(valkey_binary()), False, False)
    assert facts.version.startswith("valkey 9.")
    assert not runs(facts.pid)


async def test_the_older_program_runs_as_well(data_dir: Path) -> None:
    program = Binary(redis7_binary(), "redis", "7.0.15")
    store = EmbeddedStore(data_dir, log=quiet.append, find=lambda: program)
    assert await used(store, "PING")
    assert store.facts.version.startswith("redis 7.0.")


async def test_nobody_else_can_read_the_data(data_dir: Path) -> None:
    store = EmbeddedStore(data_dir, log=quiet.append)
    await store.start()
    try:
        assert mode(data_dir) == 0o700
        assert mode(store.facts.socket) == 0o700
        open_files = [p for p in data_dir.rglob("*") if p.is_file() and mode(p) & 0o077]
        assert open_files == []
    finally:
        await store.stop()


async def test_an_empty_folder_that_others_may_read_is_closed(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o755)
    await used(EmbeddedStore(data_dir, log=quiet.append), "PING")
    assert mode(data_dir) == 0o700


async def test_a_folder_of_other_things_is_refused_and_untouched(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o755)
    (data_dir / "letters").touch()
    with pytest.raises(StoreRefused, match="holds other things"):
        await EmbeddedStore(data_dir, log=quiet.append).start()
    assert mode(data_dir) == 0o755


async def test_a_file_in_place_of_the_folder_is_refused(data_dir: Path) -> None:
    data_dir.touch()
    with pytest.raises(StoreRefused, match=r"cannot be used(.|\n)*--data-dir"):
        await EmbeddedStore(data_dir, log=quiet.append).start()


async def test_a_long_path_moves_the_socket_to_a_private_folder(data_dir: Path) -> None:
    long = data_dir / ("x" * 100)
    store = EmbeddedStore(long, log=quiet.append)
    await store.start()
    socket = store.facts.socket
    try:
        assert len(os.fsencode(socket)) <= 100
        assert mode(socket.parent) == 0o700
        assert socket.parent.parent == Path(tempfile.gettempdir())
    finally:
        await store.stop()
    assert not socket.parent.exists()


async def test_a_private_folder_that_others_can_open_is_refused(data_dir: Path) -> None:
    long = data_dir / ("y" * 100)
    store = EmbeddedStore(long, log=quiet.append)
    await store.start()
    trap = store.facts.socket.parent
    await store.stop()
    trap.mkdir(mode=0o777)
    trap.chmod(0o777)
    try:
        with pytest.raises(StoreRefused, match="not private"):
            await EmbeddedStore(long, log=quiet.append).start()
    finally:
        trap.rmdir()


async def test_no_program_names_the_ways_out(data_dir: Path) -> None:
    def none() -> Binary:
        raise StoreRefused("No store program found: nothing.", "Do one of these: ...")

    with pytest.raises(StoreRefused, match="No store program") as refused:
        await EmbeddedStore(data_dir, log=quiet.append, find=none).start()
    assert refused.value.exit_code == 78


async def test_a_full_disk_is_told(data_dir: Path) -> None:
    def full() -> Binary:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StoreRefused, match="cannot be used: No space left on device") as refused:
        await EmbeddedStore(data_dir, log=quiet.append, find=full).start()
    assert refused.value.remedy.startswith("Free some space")
    assert "--data-dir" not in refused.value.remedy, "another folder would begin without these jobs"


async def test_a_program_that_ends_at_once_is_quoted(data_dir: Path) -> None:
    program = Binary(Path(shutil.which("true") or "/bin/true"), "valkey", "9.9.9")
    with pytest.raises(StoreRefused, match=r"ended at its start \(exit code 0\)"):
        await EmbeddedStore(data_dir, log=quiet.append, find=lambda: program).start()


async def test_a_stranger_on_the_socket_is_refused_and_lives_on(
    data_dir: Path, make_owner: Callable[..., Owner], tmp_path: Path
) -> None:
    stranger = make_owner(tmp_path / "other").ready()
    data_dir.mkdir(mode=0o700)
    (data_dir / "store.lock").touch()
    (data_dir / "store.sock").symlink_to(stranger.socket())
    program = Binary(Path(shutil.which("sleep") or "/bin/sleep"), "valkey", "9.9.9")
    with pytest.raises(StoreRefused):
        await EmbeddedStore(data_dir, log=quiet.append, find=lambda: program).start()
    assert stranger.answers()


async def test_the_log_of_the_store_is_bounded(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700)
    with (data_dir / "store.log").open("wb") as log:
        log.truncate(9 * 1024 * 1024)
    await used(EmbeddedStore(data_dir, log=quiet.append), "PING")
    assert (data_dir / "store.log").stat().st_size < 1024 * 1024
    assert (data_dir / "store.log.1").exists()


async def test_relaxed_never_lowers_a_store_that_others_use(data_dir: Path, make_owner: Callable[..., Owner]) -> None:
    owner = make_owner().ready()
    owner.child.kill9()  # its store lives on with `always`
    found = await used(EmbeddedStore(data_dir, log=quiet.append, durability="relaxed"), "CONFIG", "GET", "appendfsync")
    assert found in ({"appendfsync": "always"}, ["appendfsync", "always"])
