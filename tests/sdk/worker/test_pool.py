"""Several children: who gets which job, and what happens to it when a child is in doubt, used up, or has to go."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from headrace_worker.crew import PoolSettings
from headrace_worker.hands import AppFailed
from headrace_worker.outcome import Kind
from headrace_worker.pool import Pool

from tests.sdk.worker.listening import Notes, block, order, with_limit
from tests.support.processes import runs

pytestmark = pytest.mark.anyio

TROUBLE = "tests.sdk.worker.trouble:app"
MakePool = Callable[..., Awaitable[Pool]]


@pytest.fixture
async def make_pool(notes: Notes) -> AsyncIterator[MakePool]:
    made: list[Pool] = []

    async def make(**settings: Any) -> Pool:
        pool = Pool(PoolSettings(**{"app": TROUBLE, "processes": 2, "threads": 2, **settings}))
        made.append(pool)
        await pool.start(notes)
        return pool

    yield make
    for pool in made:
        await pool.end()


def pids(pool: Pool) -> set[int]:
    return {child.pid for child in pool.children}


async def test_each_job_goes_to_the_child_that_has_fewest(make_pool: MakePool, notes: Notes, tmp_path: Path) -> None:
    pool = await make_pool()
    assert pool.slots == 4
    there = await block(pool, notes, tmp_path, 1, 2, 3, 4)
    assert there[1] != there[2]
    assert {there[3], there[4]} == {there[1], there[2]}
    assert [(child.busy, child.slots) for child in pool.children] == [(2, 2), (2, 2)]
    (tmp_path / "go").touch()
    await notes.until(lambda: len(notes.outcomes) == 4)
    assert [child.jobs_done for child in pool.children] == [2, 2]
    assert all(child.rss_bytes > 2**20 for child in pool.children)


async def test_many_jobs_at_once_are_shared_out(make_pool: MakePool, notes: Notes) -> None:
    pool = await make_pool()
    pool.run([order(key, "pid") for key in range(100)])
    await notes.until(lambda: len(notes.outcomes) == 100)
    ran = [outcome.value() for outcome in notes.outcomes.values()]
    assert {ran.count(pid) for pid in pids(pool)} == {50}


async def test_jobs_behind_a_full_child_are_taken_back_in_their_order(
    make_pool: MakePool, notes: Notes, tmp_path: Path
) -> None:
    pool = await make_pool(threads=1)
    there = await block(pool, notes, tmp_path, 1, 2, go="go")
    pool.run([order(key, "pid") for key in (3, 4, 5)])
    assert sorted(pool.unstarted_keys()) == [3, 4, 5]
    assert pool.unstarted == 3
    assert not pool.is_uneven, "both are full"
    assert pool.take_back() == [3, 4, 5]
    assert pool.unstarted == 0
    assert len(set(there.values())) == 2


async def test_a_free_slot_while_jobs_stand_behind_another_child_is_noticed(
    make_pool: MakePool, notes: Notes, tmp_path: Path
) -> None:
    pool = await make_pool(threads=1)
    await block(pool, notes, tmp_path, 1, go="never")
    await block(pool, notes, tmp_path, 2, go="go")
    pool.run([order(3, "pid"), order(4, "pid")])
    (tmp_path / "go").touch()
    await notes.until(lambda: {2, 4} <= set(notes.outcomes) or {2, 3} <= set(notes.outcomes))
    assert pool.is_uneven
    (left,) = pool.take_back()
    pool.run([order(5, "pid")])
    await notes.outcome(5)
    assert left in (3, 4)


async def test_a_child_that_dies_takes_only_its_own_jobs_along(
    make_pool: MakePool, notes: Notes, tmp_path: Path
) -> None:
    pool = await make_pool()
    there = await block(pool, notes, tmp_path, 1, 2)
    os.kill(there[1], signal.SIGKILL)
    await notes.until(lambda: notes.deaths)
    assert set(notes.deaths) == {1}
    await notes.until(lambda: pool.slots == 4)
    (tmp_path / "go").touch()
    assert (await notes.outcome(2)).value() == there[2]
    assert there[1] not in pids(pool)


async def test_jobs_that_come_while_no_child_is_there_wait_for_one(
    make_pool: MakePool, notes: Notes, tmp_path: Path
) -> None:
    pool = await make_pool(processes=1)
    os.kill((await block(pool, notes, tmp_path, 1))[1], signal.SIGKILL)
    await notes.until(lambda: notes.deaths)
    pool.run([order(2, "pid"), order(3, "pid")])
    assert (pool.slots, pool.unstarted, set(pool.unstarted_keys())) == (0, 2, {2, 3})
    assert (await notes.outcome(2)).value() in pids(pool)
    await notes.outcome(3)


async def test_a_child_is_replaced_after_so_many_jobs_and_runs_no_more_than_these(
    make_pool: MakePool, notes: Notes
) -> None:
    pool = await make_pool(processes=1, max_tasks=5)
    pool.run([order(key, "pid") for key in range(12)])
    await notes.until(lambda: len(notes.outcomes) == 12)
    ran = [outcome.value() for outcome in notes.outcomes.values()]
    assert sorted(ran.count(pid) for pid in set(ran)) == [2, 5, 5]
    assert notes.deaths == {}
    await notes.until(lambda: not any(runs(pid) for pid in set(ran) - pids(pool)))


class TestTimeLimits:
    async def test_a_culprit_alone_is_killed_at_once(self, make_pool: MakePool, notes: Notes, tmp_path: Path) -> None:
        pool = await make_pool()
        loop = asyncio.get_running_loop()
        began = loop.time()
        pool.run([order(1, "stubborn", [str(tmp_path / "started")])])
        await notes.until(lambda: notes.deaths)
        assert 0.8 <= loop.time() - began < 3.0
        outcome = notes.deaths[1]
        assert (outcome.kind, outcome.error_type, outcome.retryable) == (Kind.FAILED, "TimeLimitExceeded", True)
        assert not runs(int((tmp_path / "started").read_text()))

    async def test_a_neighbour_that_takes_too_long_goes_along_and_pays_nothing(
        self, make_pool: MakePool, notes: Notes, tmp_path: Path
    ) -> None:
        pool = await make_pool(processes=1)
        there = await block(pool, notes, tmp_path, 1, go="never")
        pool.run([order(2, "stubborn", [str(tmp_path / "started")]), order(3, "pid")])
        await notes.until(lambda: notes.unstarted == [3])
        assert runs(there[1]), "what had not started is given back before anybody is killed"
        await notes.until(lambda: notes.deaths)
        assert notes.deaths[2].error_type == "TimeLimitExceeded"
        assert (notes.deaths[1].kind, notes.deaths[1].message) == (Kind.CANCELLED, "process_ended")

    async def test_what_ends_before_the_kill_counts(self, make_pool: MakePool, notes: Notes, tmp_path: Path) -> None:
        """A result that is there is a result, and then nobody has to be killed for it."""
        pool = await make_pool(processes=1)
        there = await block(pool, notes, tmp_path, 1, go="go")
        pool.run([with_limit(2, "sleep", [0.6], time_limit=0.3)])
        assert (await notes.outcome(2)).value() == there[1]
        (tmp_path / "go").touch()
        assert (await notes.outcome(1)).value() == there[1]
        assert notes.deaths == {}
        await notes.until(lambda: pids(pool) and there[1] not in pids(pool))

    async def test_a_call_that_is_cut_when_the_child_is_asked_where_it_is_does_not_make_a_result(
        self, make_pool: MakePool, notes: Notes, tmp_path: Path
    ) -> None:
        """usleep ends early at any signal; the task would return, with half of its work done."""
        pool = await make_pool(processes=1)
        pool.run([with_limit(1, "hold_gil", [str(tmp_path / "started"), 30], time_limit=0.3)])
        await notes.until(lambda: notes.deaths)
        assert notes.deaths[1].error_type == "TimeLimitExceeded"
        assert " in hold_gil" in (notes.deaths[1].stack or "")
        assert notes.outcomes == {}

    async def test_the_limit_counts_from_the_start_and_not_from_the_hand_over(
        self, make_pool: MakePool, notes: Notes, tmp_path: Path
    ) -> None:
        pool = await make_pool(processes=1, threads=1)
        pool.run([order(1, "sleep", [0.6]), with_limit(2, "sleep", [0.2], time_limit=0.5)])
        assert (await notes.outcome(2)).kind is Kind.RETURNED
        assert notes.deaths == {}

    async def test_a_call_may_have_other_limits_than_its_task(
        self, make_pool: MakePool, notes: Notes, tmp_path: Path
    ) -> None:
        pool = await make_pool(processes=1)
        pool.run([with_limit(1, "tidy", [str(tmp_path / "file")], soft_time_limit=60.0, time_limit=0.5)])
        await notes.until(lambda: notes.deaths)
        assert "0.5 s" in notes.deaths[1].message
        assert not (tmp_path / "file").exists()

    @pytest.mark.parametrize("task", ["tidy", "tidy_async"])
    async def test_a_task_may_tidy_up_at_its_soft_limit(
        self, make_pool: MakePool, notes: Notes, tmp_path: Path, task: str
    ) -> None:
        pool = await make_pool(processes=1)
        pool.run([order(1, task, [str(tmp_path / "file")])])
        assert (await notes.outcome(1)).value() == "as far as it came"
        assert (tmp_path / "file").read_text() == "tidied up\n"

    @pytest.mark.parametrize("task", ["slow", "slow_async"])
    async def test_a_task_that_does_not_care_fails_at_its_soft_limit(
        self, make_pool: MakePool, notes: Notes, task: str
    ) -> None:
        pool = await make_pool(processes=1)
        pool.run([order(1, task), order(2, "pid")])
        outcome = await notes.outcome(1)
        assert (outcome.kind, outcome.error_type) == (Kind.FAILED, "SoftTimeLimitExceeded")
        assert "soft_time_limit" in outcome.message
        assert (await notes.outcome(2)).value() in pids(pool), "and nobody was killed"


class TestMemory:
    async def test_a_child_above_its_limit_is_replaced_when_its_jobs_have_ended(
        self, make_pool: MakePool, notes: Notes, tmp_path: Path
    ) -> None:
        pool = await make_pool(processes=1, max_memory_bytes=100 * 2**20)
        there = await block(pool, notes, tmp_path, 1)
        pool.run([order(2, "leak", [90])])
        await notes.outcome(2)
        await notes.until(lambda: pool.slots == 2 and there[1] in pids(pool) and len(pids(pool)) == 2)
        (tmp_path / "go").touch()
        assert (await notes.outcome(1)).value() == there[1]
        await notes.until(lambda: not runs(there[1]))
        assert notes.deaths == {}

    async def test_an_app_that_is_larger_than_its_limit_is_refused(self, make_pool: MakePool) -> None:
        with pytest.raises(AppFailed, match=r"the app alone takes .* --max-memory-per-child 4 MiB"):
            await make_pool(max_memory_bytes=4 * 2**20)
        ours = [found.info for found in psutil.process_iter(["ppid", "cmdline"]) if found.info["ppid"] == os.getpid()]
        assert not [child for child in ours if "headrace_worker" in " ".join(child["cmdline"] or ())]  # None: a zombie


class TestScale:
    async def test_it_grows_while_all_are_busy(self, make_pool: MakePool, notes: Notes, tmp_path: Path) -> None:
        pool = await make_pool(processes=1, most_processes=2, threads=1)
        assert pool.slots == 1
        there = await block(pool, notes, tmp_path, 1)
        await notes.until(lambda: pool.slots == 2)
        assert (await block(pool, notes, tmp_path, 2))[2] != there[1]


class TestReload:
    async def test_children_are_replaced_when_a_file_of_the_app_changes(
        self, make_pool: MakePool, notes: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = "from headrace import App\napp = App()\n@app.task(name='say')\ndef say():\n    return {!r}\n"
        module = tmp_path / "reloaded_app.py"
        module.write_text(text.format("old"))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        pool = await make_pool(app="reloaded_app:app", reload=True)
        first = pids(pool)
        pool.run([order(1, "say")])
        assert (await notes.outcome(1)).value() == "old"
        module.write_text("not python\n")
        await notes.until(lambda: not pool.slots)
        module.write_text(text.format("new"))
        await notes.until(lambda: pool.slots == 4 and not first & pids(pool))
        pool.run([order(2, "say")])
        assert (await notes.outcome(2)).value() == "new"

    async def test_a_file_that_is_written_while_it_is_imported_is_noticed_too(
        self, make_pool: MakePool, notes: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = "from headrace import App\napp = App()\n@app.task(name='say')\ndef say():\n    return {!r}\n"
        module = tmp_path / "rewritten_app.py"
        twice = "import pathlib\npathlib.Path(__file__).write_text({!r})\n"
        module.write_text(twice.format(text.format("second")) + text.format("first"))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
        pool = await make_pool(app="rewritten_app:app", processes=1, reload=True)
        first = pids(pool)
        await notes.until(lambda: pool.slots == 2 and not first & pids(pool))
        pool.run([order(1, "say")])
        assert (await notes.outcome(1)).value() == "second"


async def test_children_say_hello_and_goodbye_and_so_does_the_worker(
    make_pool: MakePool, notes: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "hooks"
    monkeypatch.setenv("HOOKS_FILE", str(log))
    pool = await make_pool()
    assert sorted(log.read_text().split()) == ["child_start", "child_start", "worker_start"]
    log.write_text("")
    await pool.end()
    assert log.read_text().split() == ["child_stop", "child_stop", "worker_stop"], "the worker's end is the last"
