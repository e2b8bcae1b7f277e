"""run.py: what it is written in, and what it does about installs that are interrupted, repeated, moved, or at once."""

import ast
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import eventually
from tests.tidy.fake_project import FakeProject
from tests.tidy.tree import ROOT, tree

RUN = ROOT / "run.py"
TOO_NEW = (
    ast.JoinedStr,
    ast.AnnAssign,
    ast.NamedExpr,
    ast.AsyncFunctionDef,
    ast.Await,
    ast.Match,
    ast.YieldFrom,
    ast.Nonlocal,
)


def test_it_keeps_to_the_syntax_of_python_2_7() -> None:
    assert [f"line {node.lineno}" for node in ast.walk(tree(RUN)) if isinstance(node, TOO_NEW)] == []
    for node in ast.walk(tree(RUN)):
        if isinstance(node, ast.arguments):
            arguments = [*node.posonlyargs, *node.args, *node.kwonlyargs]
            assert [arg.arg for arg in arguments if arg.annotation] + [arg.arg for arg in node.kwonlyargs] == []
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            assert not any(isinstance(item, ast.Starred) for item in node.elts), f"line {node.lineno}"
        if isinstance(node, ast.Raise):
            assert node.cause is None, f"line {node.lineno}"


def test_it_needs_nothing_but_the_standard_library() -> None:
    names = {alias.name for node in ast.walk(tree(RUN)) if isinstance(node, ast.Import) for alias in node.names}
    assert names <= sys.stdlib_module_names
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree(RUN)))


def test_a_python_that_is_too_old_is_told_so() -> None:
    pretend = "import runpy, sys; sys.version_info = (3, 10, 13); runpy.run_path(sys.argv[1], run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", pretend, str(RUN)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Headrace needs Python 3.11 or newer" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> FakeProject:
    """One installed project for all, since making a .venv is what takes time."""
    project = FakeProject(tmp_path_factory.mktemp("run") / "a checkout")
    code, out, err = project.run()
    assert (code, out, installed(err)) == (7, "headrace up\n", True), err
    return project


@pytest.fixture
def project(checkout: FakeProject) -> FakeProject:
    checkout.building.unlink(missing_ok=True)
    return checkout


def installed(err: str) -> bool:
    return "Installing Headrace" in err


def test_it_becomes_the_command_and_installs_nothing_again(project: FakeProject) -> None:
    assert project.run("queues", "-o", "json") == (7, "headrace queues -o json\n", "")


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_it_installs_when_a_file_that_decides_has_changed(project: FakeProject, name: str) -> None:
    project.change(name)
    assert installed(project.run()[2])
    assert not installed(project.run()[2])


def test_a_moved_checkout_is_installed_anew(project: FakeProject) -> None:
    project.folder = project.folder.rename(project.folder.with_name("moved"))
    code, _, err = project.run()
    assert (code, installed(err)) == (7, True), err


def test_an_interrupted_install_is_done_again_from_scratch(project: FakeProject) -> None:
    project.change()
    project.slow.touch()
    process = project.start()
    eventually(project.building.exists, 30, "the install has begun")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    half = project.folder / ".venv" / "half"
    half.touch()
    project.slow.unlink()
    code, _, err = project.run()
    assert (code, installed(err), half.exists()) == (7, True, False), err


def test_starts_at_the_same_time_install_once(project: FakeProject) -> None:
    project.change()
    project.slow.touch()
    first = project.start("one")
    eventually(project.building.exists, 30, "the install has begun")
    second = project.start("two")
    assert second.stderr is not None
    assert second.stderr.readline() == "Another run.py is installing here; waiting for it ...\n"
    project.slow.unlink()
    out, err = second.communicate(timeout=60)
    assert (second.returncode, out, installed(err)) == (7, "headrace two\n", False)
    assert first.communicate(timeout=60)[0] == "headrace one\n"


def test_a_failed_install_says_so_and_leaves_what_was_there(project: FakeProject) -> None:
    marker = project.folder / ".venv" / "kept"
    marker.touch()
    file = project.folder / "pyproject.toml"
    good = file.read_text()
    file.write_text(good.replace('"backend"', '"no_such_backend"'))
    code, out, err = project.run()
    assert (code, out) == (1, "")
    assert "Installing failed" in err
    file.write_text(good)
    assert (project.run()[0], marker.exists()) == (7, True)


def test_a_venv_made_by_hand_is_used_and_mended(tmp_path: Path) -> None:
    project = FakeProject(tmp_path / "by hand")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", project.folder / ".venv"], check=True)
    marker = project.folder / ".venv" / "mine"
    marker.touch()
    assert (project.run()[0], marker.exists()) == (7, True)
    (project.folder / ".venv" / "headrace-installed.json").unlink()
    shutil.rmtree(project.folder / ".venv" / "bin")
    assert (project.run()[0], marker.exists()) == (7, True)
