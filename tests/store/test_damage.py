"""Data that the store cannot read: what is repaired by itself, and what the operator is told."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import redis
from headrace_server.store import Binary, EmbeddedStore, StoreRefused

from tests.support.stores import redis7_binary, valkey_binary

pytestmark = pytest.mark.anyio
VALKEY = Binary(valkey_binary(), "valkey", "9.1.2")
KEYS = 50


async def keys_in(data_dir: Path, *, add: int = 0, find: Binary = VALKEY) -> int:
    """Start the store, add some keys, stop it; return how many it had."""
    store = EmbeddedStore(data_dir, log=lambda line: None, find=lambda: find)
    url = await store.start()
    try:
        with redis.Redis.from_url(url) as client:
            found = client.dbsize()
            for n in range(add):
                client.set(f"key:{n}", "x" * 100)
            return int(found)
    finally:
        await store.stop()


@pytest.fixture
async def increment(data_dir: Path) -> Path:
    """The growing append-only file of a store with KEYS keys."""
    await keys_in(data_dir, add=KEYS)
    return data_dir / "appendonlydir" / "appendonly.aof.1.incr.aof"


def overwrite(path: Path, offset: int, garbage: bytes = b"GARBAGE") -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(garbage)


def run(command: str, typed: str) -> str:
    return subprocess.run(shlex.split(command), input=typed, text=True, capture_output=True, check=True).stdout


async def test_a_tail_cut_by_a_crash_is_dropped(data_dir: Path, increment: Path) -> None:
    with increment.open("r+b") as file:
        file.truncate(increment.stat().st_size - 10)
    assert await keys_in(data_dir) == KEYS - 1


async def test_damage_in_the_middle_is_told_and_the_told_repair_works(data_dir: Path, increment: Path) -> None:
    overwrite(increment, increment.stat().st_size // 2, b"GARBAGE" * 30)  # longer than a value: it has no checksum
    with pytest.raises(StoreRefused, match=r"incr\.aof is damaged in the middle") as refused:
        await keys_in(data_dir)
    command = re.search(r"(bash -c '[^']+')", refused.value.remedy)
    assert command
    assert f"cp -a {data_dir}" in refused.value.remedy
    assert "Successfully truncated" in run(command[1], "y\n")
    assert 0 < await keys_in(data_dir) < KEYS


async def test_a_damaged_base_is_not_offered_a_repair_that_empties_it(data_dir: Path, increment: Path) -> None:
    overwrite(increment.with_name("appendonly.aof.1.base.rdb"), 0)
    with pytest.raises(StoreRefused, match=r"base\.rdb is damaged") as refused:
        await keys_in(data_dir)
    assert "--fix" not in refused.value.remedy
    assert "backup" in refused.value.remedy


async def test_a_missing_file_is_told(data_dir: Path, increment: Path) -> None:
    increment.unlink()
    with pytest.raises(StoreRefused, match="do not belong together: Unable to obtain the AOF file"):
        await keys_in(data_dir)


async def test_a_spoilt_manifest_is_told(data_dir: Path, increment: Path) -> None:
    increment.with_name("appendonly.aof.manifest").write_text("rubbish\n")
    with pytest.raises(StoreRefused, match="do not belong together: Invalid AOF manifest"):
        await keys_in(data_dir)


async def test_data_of_a_newer_store_are_refused_before_the_older_one_sees_them(
    data_dir: Path, increment: Path
) -> None:
    older = Binary(redis7_binary(), "redis", "7.0.15")
    with pytest.raises(StoreRefused, match=r"last written by valkey 9\.\d+\.\d+; .*redis 7\.0\.15, which cannot read"):
        await keys_in(data_dir, find=older)
    assert await keys_in(data_dir) == KEYS  # nothing was changed


async def test_data_of_redis_7_are_read_by_valkey(data_dir: Path) -> None:
    await keys_in(data_dir, add=KEYS, find=Binary(redis7_binary(), "redis", "7.0.15"))
    assert await keys_in(data_dir) == KEYS


@pytest.mark.parametrize(
    ("program", "written_by", "is_read"),
    [
        (("valkey", "9.1.2"), ("valkey", "9.1.9"), True),
        (("valkey", "9.1.2"), ("valkey", "9.2.0"), False),
        (("valkey", "9.1.2"), ("redis", "7.2.5"), True),
        (("valkey", "9.1.2"), ("redis", "7.4.0"), False),
        (("redis", "8.0.0"), ("valkey", "7.2.0"), False),
        (("redis", "7.2.0"), ("redis", "7.0.15"), True),
    ],
)
async def test_who_reads_whose_data(
    data_dir: Path, program: tuple[str, str], written_by: tuple[str, str], is_read: bool
) -> None:
    data_dir.mkdir(mode=0o700)
    (data_dir / "written-by").write_text(" ".join(written_by))
    store = Binary(Path(shutil.which("false") or "/bin/false"), *program)
    with pytest.raises(StoreRefused) as refused:
        await keys_in(data_dir, find=store)
    assert ("which cannot read them" not in refused.value.message) == is_read
