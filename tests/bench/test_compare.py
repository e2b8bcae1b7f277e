"""The comparison runs: a few jobs through a real server, a real worker, and a peer in an environment of its own."""

import json
import sys
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen, TimeoutExpired

import pytest
from comparison import command

from tests.support.needs import missing
from tests.tidy.tree import ROOT

COMPARE = [sys.executable, str(ROOT / "bench" / "compare.py")]
SMOKE_S = 90.0  # a machine without a cache of packages and with other work on it
END_S = 25.0


def test_a_smoke_run_measures_every_figure_of_the_contest(tmp_path: Path) -> None:
    raw, page = tmp_path / "raw.jsonl", tmp_path / "page.md"
    end_well(Popen([*COMPARE, "--smoke", "--output", str(raw), "--page", str(page)], stdout=PIPE, stderr=STDOUT))
    about, *runs = map(json.loads, raw.read_text().splitlines())
    told = {run["contestant"]: run["fault"] for run in runs if run["fault"]}
    ours = {figure for run in runs if run["contestant"].startswith("Headrace") for figure in run["figures"]}
    assert ours >= {"enqueue_one", "enqueue_bulk", "drain", "bytes_waiting", "idle_cpu", "latency_p99", "together"}, (
        told
    )
    assert ours >= {"relay_p50", "relay_p99", "paced_p50", "paced_p99"}, told
    assert "| Headrace, one process |" in page.read_text()
    if lacking := about["about"]["missing"]:
        missing(f"a peer: {lacking}")
    assert told == {}
    assert "| Huey 1 thread ° |" in page.read_text()


def end_well(process: "Popen[bytes]") -> None:
    """Wait until a process has ended, and with 0; one that takes too long is told to end what it started."""
    with process:
        try:
            said = process.communicate(timeout=SMOKE_S)[0].decode()
        except TimeoutExpired:
            process.terminate()
            said = process.communicate(timeout=END_S)[0].decode()
    assert process.returncode == 0, said


@pytest.mark.parametrize("words", [["--peers", "kafka"], ["--figures", "drain"], ["--tables", "mine"]])
def test_an_unknown_word_is_refused_with_the_known_ones(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.arguments("", words)
    assert f"{words[1]}: choose of" in capsys.readouterr().err
