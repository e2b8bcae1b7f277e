"""Kills under load, judged from the history alone; and the same judge on systems that were broken on purpose.

This is the short run; the one of 20,000 jobs and 200 kills is `python -m tests.torture` (README.md).
"""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.torture.checker import Fault, figures, judge
from tests.torture.harness import Setup, running, seed_of, torture
from tests.torture.history import read_history

pytestmark = [pytest.mark.torture, pytest.mark.timeout(300)]
SABOTAGE = (sys.executable, "-m", "tests.torture.sabotage")


def run(folder: Path, setup: Setup) -> tuple[list[Fault], dict[str, int]]:
    """Torture once; return the faults and what the run consisted of."""
    with running(folder, setup) as live:
        asyncio.run(torture(live))
        events = read_history(live.history_dir)
    return judge(events), figures(events)


def told(faults: list[Fault]) -> str:
    return "\n".join(f"{fault.rule} {fault.about}: {fault.text}" for fault in faults[:20])


def test_kills_break_no_promise(tmp_path: Path) -> None:
    """Whatever is killed, and whenever: G1, G2, G3, G4, G5, G6, G7, G8, G12, G13, G14, G15, G16, G19, G20, G21, G22,
    G25, and unique and ordering keys."""
    setup = Setup(jobs=3_000, kills=30, seed=seed_of(None), pace_s=0.2)
    faults, counted = run(tmp_path, setup)
    assert not faults, f"{setup}\n{told(faults)}"
    assert counted["jobs acknowledged"] > setup.jobs * 0.8
    assert sum(counted[f"kill {role}"] for role in ("store", "server", "worker")) == setup.kills
    # the run was worth its time: requests were cut, leases lost, settles repeated
    assert counted["settled maybe"] + counted["enqueued maybe"] + counted["leased maybe"] > 0
    assert counted["verdict lease_lost"] > 0
    assert counted["verdict late"] > 0
    # and so were operators: jobs were cancelled, redriven and turned away
    assert counted["cancel done"] > 0
    assert counted["retry done"] > 0
    assert counted["jobs turned away by a unique key"] > 0
    assert counted["beat all: jobs"] > 0


def test_control_a_store_that_forgets_is_found_out(tmp_path: Path) -> None:
    """Without an append-only file a kill loses what was acknowledged."""
    setup = Setup(jobs=300, kills=6, seed=1, store_config={"appendonly": "no"})
    faults, _ = run(tmp_path, setup)
    assert any(fault.rule == "G1" and fault.text.endswith("is gone") for fault in faults), told(faults)


def test_control_a_server_without_checks_is_found_out(tmp_path: Path) -> None:
    """Without the check of tokens a zombie settles somebody else's lease; without theirs, limits, rates and ordering
    keys let through what they should hold back."""
    setup = Setup(jobs=600, kills=3, seed=2, program=(*SABOTAGE, "token,limits,concurrency,rates,ordering"))
    faults, _ = run(tmp_path, setup)
    assert any(fault.rule == "G6" for fault in faults), told(faults)
    about = {fault.about for fault in faults if fault.rule == "G21"}
    assert about >= {"hot:a", "hot:b", "slow:a", "pain.narrow"}, told(faults)
    assert any(fault.rule == "ordering" for fault in faults), told(faults)
