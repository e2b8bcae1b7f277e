"""The comparison runs: a few jobs through a real server, a real worker, and a peer in an environment of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from comparison import command

from tests.tidy.tree import ROOT

COMPARE = [sys.executable, str(ROOT / "bench" / "compare.py")]
SMOKE_S = 110.0  # a machine without a cache of packages and with other work on it


def test_a_smoke_run_measures_every_figure_of_the_contest(tmp_path: Path) -> None:
    raw, page = tmp_path / "raw.jsonl", tmp_path / "page.md"
    done = subprocess.run(
        [*COMPARE, "--smoke", "--output", str(raw), "--page", str(page)],
        capture_output=True,
        text=True,
        timeout=SMOKE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    about, *runs = map(json.loads, raw.read_text().splitlines())
    told = {run["contestant"]: run["fault"] for run in runs if run["fault"]}
    ours = {figure for run in runs if run["contestant"] == "Headrace, one process" for figure in run["figures"]}
    assert ours >= {"enqueue_one", "enqueue_bulk", "drain", "bytes_waiting", "idle_cpu", "latency_p99", "together"}, (
        told
    )
    assert "| Headrace, one process |" in page.read_text()
    if missing := about["about"]["missing"]:
        pytest.skip(f"without a peer: {missing}")
    assert told == {}
    assert "| Huey 1 thread ° |" in page.read_text()


@pytest.mark.parametrize("words", [["--peers", "kafka"], ["--figures", "drain"], ["--tables", "mine"]])
def test_an_unknown_word_is_refused_with_the_known_ones(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.arguments("", words)
    assert f"{words[1]}: choose of" in capsys.readouterr().err
