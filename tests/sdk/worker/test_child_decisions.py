"""The decisions about child processes, as functions: limits, how many, how large, why they died, and the flags."""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from headrace.loading import load
from headrace_worker import bounds, childflags
from headrace_worker.autoscale import GROW_AFTER_S, SHRINK_AFTER_S, Autoscale
from headrace_worker.fates import ALONG, Sentence, died, oversize, overtime
from headrace_worker.frames import Order
from headrace_worker.hands import TaskFacts
from headrace_worker.inline import InlineHands
from headrace_worker.limits import Limits, limits_of
from headrace_worker.memory import OomKills, Peak, resident_bytes
from headrace_worker.outcome import Kind

from tests.sdk.worker.listening import Notes, order


class TestLimits:
    def test_a_limit_counts_from_the_start(self) -> None:
        limits = Limits()
        limits.add(1, 5.0)
        assert limits.has_unstarted
        limits.note_started({1}, now=10.0)
        assert limits.next_due is None, "it has not started"
        limits.note_started(set(), now=20.0)
        assert limits.next_due == 25.0
        assert limits.over(24.9) == []
        assert limits.over(25.0) == [1]
        assert limits.over(30.0) == [], "told once"

    def test_what_is_over_or_taken_back_has_none(self) -> None:
        limits = Limits()
        limits.add(1, 5.0)
        limits.add(2, 5.0)
        limits.note_started({2}, now=0.0)
        limits.drop([1, 2, 3])
        assert (limits.has_unstarted, limits.next_due) == (False, None)

    def test_the_call_goes_before_the_task(self) -> None:
        tasks = {"timed": TaskFacts("q", time_limit_s=9.0), "free": TaskFacts("q")}
        asked = {"meta": {"headrace": {"time_limit": 2}}}
        orders = [
            Order(1, {"task": "timed", "meta": {}}),
            Order(2, {"task": "timed", **asked}),
            Order(3, {"task": "free", "meta": None}),
            Order(4, {"task": "free", **asked}),
            Order(5, {"task": "unknown", "meta": {"headrace": "nonsense"}}),
            Order(6, {"task": "free", "meta": {"headrace": {"time_limit": "soon"}}}),
        ]
        assert limits_of(orders, tasks) == {1: 9.0, 2: 2.0, 4: 2.0}


class TestAutoscale:
    def test_it_grows_one_by_one_while_all_slots_stay_busy(self) -> None:
        scale = Autoscale(1, 3, threads=2)
        assert scale.wanted(1, 2, now=100.0) == 1
        assert scale.wanted(1, 2, now=100.0 + GROW_AFTER_S) == 2
        assert scale.wanted(2, 4, now=100.1 + GROW_AFTER_S) == 2, "the new one has its chance first"
        assert scale.wanted(2, 4, now=100.0 + 2 * GROW_AFTER_S) == 3
        assert scale.wanted(3, 6, now=100.0 + 9 * GROW_AFTER_S) == 3, "that is the most"

    def test_a_burst_that_the_slots_handle_is_none(self) -> None:
        scale = Autoscale(1, 3, threads=2)
        for second in range(10):
            busy = 2 if second % 2 else 1
            assert scale.wanted(1, busy, now=100.0 + second * GROW_AFTER_S * 0.9) == 1

    def test_it_shrinks_when_one_less_would_have_done_for_a_while(self) -> None:
        scale = Autoscale(1, 3, threads=2)
        assert scale.wanted(3, 4, now=100.0) == 3
        assert scale.wanted(3, 5, now=110.0) == 3, "that was not enough: it counts anew"
        assert scale.wanted(3, 4, now=120.0) == 3
        assert scale.wanted(3, 4, now=120.0 + SHRINK_AFTER_S) == 2
        assert scale.wanted(2, 0, now=120.0 + 2 * SHRINK_AFTER_S) == 1
        assert scale.wanted(1, 0, now=120.0 + 9 * SHRINK_AFTER_S) == 1, "that is the fewest"


class TestMemory:
    def test_a_process_that_takes_memory_is_seen_to(self) -> None:
        before = resident_bytes(os.getpid())
        taken = bytearray(b"x" * 50 * 2**20)
        assert resident_bytes(os.getpid()) - before > 45 * 2**20
        del taken

    def test_there_is_no_telling_of_a_process_that_is_gone(self) -> None:
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        assert resident_bytes(gone.pid) == 0

    def test_the_peak_of_a_dead_child_is_known_where_it_was_the_largest(self) -> None:
        peak = Peak()
        largest = peak._largest + 60 * 2**20
        subprocess.run([sys.executable, "-c", f"bytearray(b'x' * {largest})"], check=True)
        assert peak.of_last() >= largest
        subprocess.run([sys.executable, "-c", ""], check=True)
        assert peak.of_last() == 0

    @pytest.mark.parametrize(
        ("membership", "counter", "limit"),
        [
            ("0::/work\n", "work/memory.events", "work/memory.max"),
            ("0::/\n", "memory.events", "memory.max"),
            (
                "9:name=x:/\n4:memory:/work\n0::/\n",
                "memory/work/memory.oom_control",
                "memory/work/memory.limit_in_bytes",
            ),
            ("4:cpu,memory:/elsewhere\n", "memory/memory.oom_control", "memory/memory.limit_in_bytes"),
        ],
    )
    def test_kills_for_lack_of_memory_are_counted_in_our_own_group(
        self, tmp_path: Path, membership: str, counter: str, limit: str
    ) -> None:
        proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
        (proc / "self").mkdir(parents=True)
        (proc / "self/cgroup").write_text(membership)
        (proc / "vmstat").write_text("oom_kill 7\n")
        count = cgroups / counter
        count.parent.mkdir(parents=True)
        count.write_text("low 0\noom_kill 3\n")
        (cgroups / limit).write_text("1000000\n")
        kills = OomKills(proc, cgroups)
        (proc / "vmstat").write_text("oom_kill 8\n")
        assert not kills.rose(100.0), "somebody else's"
        count.write_text("low 0\noom_kill 4\n")
        assert kills.rose(200.0)
        assert kills.rose(200.5), "another child that went with it"
        assert not kills.rose(210.0)
        assert kills.is_near_limit(950_000)
        assert not kills.is_near_limit(800_000)

    def test_without_a_group_the_system_counts(self, tmp_path: Path) -> None:
        (tmp_path / "vmstat").write_text("nr_free_pages 5\noom_kill 7\n")
        kills = OomKills(tmp_path, tmp_path / "none")
        (tmp_path / "vmstat").write_text("nr_free_pages 5\noom_kill 8\n")
        assert kills.rose(100.0)
        assert not kills.is_near_limit(2**40), "and knows no limit"

    def test_a_system_that_does_not_tell_is_no_error(self, tmp_path: Path) -> None:
        assert not OomKills(tmp_path, tmp_path).rose(100.0)


class TestFates:
    def test_a_kill_for_lack_of_memory_has_its_name(self) -> None:
        outcome = died(-signal.SIGKILL, 512 * 2**20, for_memory=True)
        assert outcome.error_type == "OutOfMemory"
        assert "SIGKILL" in outcome.message
        assert "512 MiB" in outcome.message

    def test_another_death_tells_its_memory_where_it_is_known(self) -> None:
        assert died(3).message.endswith("exit status 3")
        assert died(-11, 100 * 2**20).message.endswith("signal 11 (SIGSEGV); it took 100 MiB of memory")
        assert died(-11).error_type == "WorkerProcessDied"

    def test_only_the_culprit_pays(self) -> None:
        sentence = Sentence({7: overtime(1.5)})
        assert sentence.of(7).error_type == sentence.word == "TimeLimitExceeded"
        assert sentence.of(8) is ALONG
        assert (ALONG.kind, ALONG.message) == (Kind.CANCELLED, "process_ended")
        assert sentence.is_culprit(7)
        assert not sentence.is_culprit(8)

    def test_where_nobody_knows_the_culprit_all_pay(self) -> None:
        sentence = Sentence(for_all=oversize(300 * 2**20, 100 * 2**20))
        assert sentence.of(1).error_type == sentence.word == "MemoryLimitExceeded"
        assert "300 MiB" in sentence.of(2).message
        assert sentence.is_culprit(3)


class TestFlags:
    @pytest.fixture
    def parser(self) -> argparse.ArgumentParser:
        parser = argparse.ArgumentParser(exit_on_error=False)
        childflags.add(parser)
        return parser

    def test_defaults(self, parser: argparse.ArgumentParser) -> None:
        args = parser.parse_args([])
        assert args.processes == min(len(os.sched_getaffinity(0)), bounds.DEFAULT_PROCESSES_MAX)
        assert (args.autoscale, args.max_tasks_per_child, args.max_memory_per_child, args.reload) == (
            *(None, None, None),
            False,
        )

    @pytest.mark.parametrize(
        ("text", "size"),
        [("300M", 300 * 2**20), ("1.5g", 3 * 2**29), ("2GiB", 2**31), ("4096K", 2**22), ("1048576", 2**20)],
    )
    def test_sizes(self, parser: argparse.ArgumentParser, text: str, size: int) -> None:
        assert parser.parse_args(["--max-memory-per-child", text]).max_memory_per_child == size

    def test_a_range(self, parser: argparse.ArgumentParser) -> None:
        assert parser.parse_args(["--autoscale", "2,5"]).autoscale == (2, 5)

    @pytest.mark.parametrize(
        ("flag", "text", "words"),
        [
            ("--processes", "-1", "from 0 to 64, not -1"),
            ("--processes", "65", "from 0 to 64, not 65"),
            ("--processes", "x", "'x' is no whole number"),
            ("--autoscale", "3", "two numbers"),
            ("--autoscale", "1,2,3", "two numbers"),
            ("--autoscale", "5,2", "the smaller first"),
            ("--autoscale", "0,2", "from 1 to 64"),
            ("--autoscale", "1,x", "'x' is no whole number"),
            ("--max-tasks-per-child", "0", "above 0"),
            ("--max-memory-per-child", "10", "at least 1M"),
            ("--max-memory-per-child", "much", "at least 1M"),
        ],
    )
    def test_nonsense_is_refused(self, parser: argparse.ArgumentParser, flag: str, text: str, words: str) -> None:
        with pytest.raises(argparse.ArgumentError, match=words):
            parser.parse_args([f"{flag}={text}"])

    def test_a_number_and_a_range_exclude_each_other(self, parser: argparse.ArgumentParser) -> None:
        with pytest.raises(argparse.ArgumentError):
            parser.parse_args(["--processes", "3", "--autoscale", "2,5"])


@pytest.mark.anyio
async def test_without_a_process_to_kill_a_hard_limit_only_gives_the_lease_up(notes: Notes, tmp_path: Path) -> None:
    hands = InlineHands(lambda: load("tests.sdk.worker.trouble:app"), 1)
    await hands.start(notes)
    started, go = tmp_path / "started", tmp_path / "go"
    made = order(1, "neighbour", [str(started), str(go)])
    behind = order(2, "pid")
    timed = [Order(each.key, {**each.facts, "meta": {"headrace": {"time_limit": 0.2}}}) for each in (made, behind)]
    hands.run(timed)
    await notes.until(lambda: notes.overdue)
    assert notes.overdue == [1], "the other one has not started"
    assert notes.outcomes == {}
    go.touch()
    await asyncio.gather(notes.outcome(1), notes.outcome(2))
    await hands.end()
