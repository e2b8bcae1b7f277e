"""The pure decisions: when to restart, when the disk is low, what of a URL may be shown."""

from pathlib import Path

import pytest
from headrace_server.store import DiskGuard, redact
from headrace_server.store.disk import GIB, judge_disk
from headrace_server.store.supervise import (
    LONGEST_WAIT_MS,
    STEADY_MS,
    Action,
    Watch,
    after_death,
    decide,
    restart_wait_ms,
)


def test_restart_waits_grow_to_the_cap() -> None:
    assert [restart_wait_ms(n) for n in range(1, 10)] == [0, 100, 200, 400, 800, 1600, 3200, 5000, 5000]
    assert restart_wait_ms(10_000) == LONGEST_WAIT_MS


def test_a_death_after_a_steady_life_starts_the_count_anew() -> None:
    worn = Watch(holder=True, since_ms=0, failures=7)
    assert after_death(worn, STEADY_MS - 1).failures == 8
    assert after_death(worn, STEADY_MS).failures == 1


@pytest.mark.parametrize(
    ("holder", "alive", "now_ms", "action"),
    [
        (False, False, 0, Action.TAKE_OVER),
        (False, True, 0, Action.TAKE_OVER),
        (True, True, 10_000, Action.NOTHING),
        (True, False, 399, Action.NOTHING),
        (True, False, 400, Action.START),
    ],
)
def test_what_the_supervisor_does(holder: bool, alive: bool, now_ms: int, action: Action) -> None:
    assert decide(Watch(holder, since_ms=0, failures=4), alive=alive, now_ms=now_ms) is action


@pytest.mark.parametrize(
    ("free", "aof", "was_low", "low"),
    [
        (1 * GIB, 0, False, False),
        (1 * GIB - 1, 0, False, True),
        (6 * GIB, 3 * GIB, False, False),
        (6 * GIB - 1, 3 * GIB, False, True),
        (6 * GIB, 3 * GIB, True, True),  # a little more room than the limit ends it, so that it does not flap
        (7 * GIB, 3 * GIB, True, False),
    ],
)
def test_when_the_disk_is_low(free: int, aof: int, was_low: bool, low: bool) -> None:
    assert judge_disk(free, aof, was_low=was_low).low is low


def test_the_guard_sees_the_file_system_and_the_append_only_files(tmp_path: Path) -> None:
    guard = DiskGuard(tmp_path)
    before = guard.look()
    assert before.needed_bytes == GIB
    (tmp_path / "appendonlydir").mkdir()
    with (tmp_path / "appendonlydir" / "appendonly.aof.1.incr.aof").open("wb") as sparse:
        sparse.truncate(before.free_bytes)  # takes no room itself
    state = guard.look()
    assert state.low
    assert state.needed_bytes == 2 * before.free_bytes


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://:secret@localhost:6379/0", "redis://:***@localhost:6379/0"),
        ("rediss://bob:se%40cret@host/1", "rediss://bob:***@host/1"),
        ("redis://bob:se@cret@host/1", "redis://bob:***@host/1"),
        ("unix://bob:secret@/run/s.sock?db=0", "unix://bob:***@/run/s.sock?db=0"),
        ("unix:///run/s.sock?password=secret&db=0", "unix:///run/s.sock?password=***&db=0"),
        ("redis://host/0#secret", "redis://host/0"),
        ("secret", "(a URL that cannot be read)"),
        ("redis://[::secret", "(a URL that cannot be read)"),
    ],
)
def test_what_of_a_url_may_be_shown(url: str, shown: str) -> None:
    assert redact(url) == shown
