"""`run.py test` runs the few tests that failed once more, by themselves, and names those that pass then."""

import os
import subprocess
import sys
from pathlib import Path

from tests.tidy.tree import ROOT

CALL = """\
import sys
sys.path.insert(0, sys.argv[1])
import run
run.PYTHON = sys.executable
sys.exit(run.run_tests([]))
"""
UNSTEADY = """\
from pathlib import Path
import pytest
def test_unsteady():
    seen = Path("seen").exists()
    Path("seen").touch()
    assert seen
@pytest.fixture
def untidy():
    yield
    tidied = Path("tidied").exists()
    Path("tidied").touch()
    assert tidied
def test_untidy(untidy):
    pass
def test_steady():
    Path("steady").write_text(Path("steady").read_text() + "ran" if Path("steady").exists() else "ran")
"""
BROKEN = "def test_broken():\n    assert False\n"


def outcome_of(folder: Path, text: str) -> tuple[int, str]:
    """Return the exit code and what was printed, of these tests in a folder of their own."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(text)
    command = [sys.executable, "-c", CALL, str(ROOT)]
    bare = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=bare, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_what_passes_by_itself_is_named(tmp_path: Path) -> None:
    code, printed = outcome_of(tmp_path, UNSTEADY)
    assert code == 0, printed
    for name in ("test_unsteady", "test_untidy"):
        assert f"unsteady: test_it.py::{name} failed among all tests and passed by itself" in printed
    assert (tmp_path / "steady").read_text() == "ran", "what passed is not run again"


def test_what_fails_twice_has_failed(tmp_path: Path) -> None:
    code, printed = outcome_of(tmp_path, UNSTEADY + BROKEN)
    assert code == 1
    assert "unsteady:" not in printed


def test_where_many_fail_it_is_not_the_machine(tmp_path: Path) -> None:
    code, printed = outcome_of(tmp_path, "\n".join(BROKEN.replace("broken", f"broken_{n}") for n in range(6)))
    assert (code, "Once more" in printed) == (1, False)


def test_a_file_that_cannot_be_imported_has_failed(tmp_path: Path) -> None:
    code, printed = outcome_of(tmp_path, "import nowhere_at_all\n")
    assert code != 0
    assert "unsteady:" not in printed


def test_failures_of_an_earlier_run_are_forgotten(tmp_path: Path) -> None:
    assert outcome_of(tmp_path, BROKEN)[0] == 1
    code, printed = outcome_of(tmp_path, "def test_fine():\n    pass\n")
    assert (code, "Once more" in printed) == (0, False)
