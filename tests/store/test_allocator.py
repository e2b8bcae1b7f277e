"""What the embedded store allocates with, and that no library keeps it from starting."""

import shutil
import subprocess
from pathlib import Path

import pytest
import redis
from headrace_server.store import Binary, EmbeddedStore, find_binary
from headrace_server.store.allocator import AUTO, JEMALLOC, NONE, choose_malloc

from tests.support.needs import missing
from tests.support.stores import redis7_binary

pytestmark = pytest.mark.anyio


@pytest.fixture
def library() -> Path:
    """Return where the loader finds jemalloc; Debian's Redis stands on it."""
    redis7_binary()
    argv = ["env", f"LD_PRELOAD={JEMALLOC}", "cat", "/proc/self/maps"]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if "libjemalloc" in line:
            return Path(line.split()[-1])
    return missing("no libjemalloc.so.2 (Debian: libjemalloc2)")


async def started_with(data_dir: Path, malloc: str, said: list[str]) -> str:
    """Start a store, have it do something, and return what it allocates with."""
    store = EmbeddedStore(data_dir, log=said.append, malloc=malloc)
    url = await store.start()
    try:
        with redis.Redis.from_url(url) as client:
            assert client.ping()
        return store.facts.malloc
    finally:
        await store.stop()


@pytest.mark.usefixtures("library")
async def test_jemalloc_is_preloaded_where_the_machine_has_it(data_dir: Path) -> None:
    said: list[str] = []
    assert await started_with(data_dir, AUTO, said) == JEMALLOC
    assert [line for line in said if "not preloaded" in line] == []


@pytest.mark.usefixtures("library")
async def test_what_a_backlog_took_is_given_back_by_a_thread_of_jemalloc(data_dir: Path) -> None:
    store = EmbeddedStore(data_dir, log=lambda _: None)
    await store.start()
    try:
        threads = Path(f"/proc/{store.facts.pid}/task").glob("*/comm")
        assert "jemalloc_bg_thd\n" in [thread.read_text() for thread in threads]
    finally:
        await store.stop()


async def test_none_leaves_the_store_as_it_was_built(data_dir: Path) -> None:
    assert await started_with(data_dir, NONE, []) == find_binary().malloc


async def test_a_library_may_be_named_by_its_path(data_dir: Path, library: Path) -> None:
    assert await started_with(data_dir, str(library), []) == library.name


async def test_a_library_that_is_missing_is_told_and_left_out(data_dir: Path) -> None:
    said: list[str] = []
    assert await started_with(data_dir, "libno-such-thing.so.9", said) == find_binary().malloc
    assert any("libno-such-thing.so.9 is not preloaded" in line for line in said)


async def test_a_file_that_is_no_library_is_told_and_left_out(data_dir: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter.so"
    letter.write_text("dear loader")
    said: list[str] = []
    assert await started_with(data_dir, str(letter), said) == find_binary().malloc
    assert any("letter.so is not preloaded" in line for line in said)


def test_a_store_with_an_allocator_of_its_own_keeps_it() -> None:
    binary = Binary(redis7_binary(), "redis", "7.0.15", malloc="jemalloc-5.2.1")
    assert choose_malloc(binary, AUTO).words == ()


def test_a_program_that_ends_with_the_library_runs_without_it(tmp_path: Path) -> None:
    program = tmp_path / "valkey-server"
    program.write_text('#!/bin/sh\ntest -z "$LD_PRELOAD"\n')
    program.chmod(0o755)
    chosen = choose_malloc(Binary(program, "valkey", "9.1.2", malloc="libc"), AUTO)
    assert (chosen.words, chosen.name, chosen.fault) == ((), "libc", "")


def test_a_program_that_does_not_say_what_it_was_built_with_keeps_it() -> None:
    program = Path(shutil.which("true") or "/bin/true")
    assert choose_malloc(Binary(program, "valkey", "9.1.2"), AUTO).words == ()
