"""The plugins as pytest finds them, in runs of their own: the app that a project names, and what is said in trouble."""

import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.processes import Child
from tests.support.servers import clean_env
from tests.support.waiting import eventually

PROJECT = """
from headrace import App

app = App("http://192.0.2.1:1")

@app.task(queue="sums")
def add(x: int, y: int) -> int:
    return x + y
"""
TESTS = """
from project import add, app

def test_in_a_worker(headrace_worker):
    assert add.delay(2, 3).get(timeout=10) == 5

def test_in_eager_mode(headrace_eager):
    assert headrace_eager is app
    assert add.delay(2, 3).get() == 5

def test_enqueued(headrace_app, assert_enqueued):
    assert headrace_app is app
    add.delay(2, 3)
    assert_enqueued(add, (2, 3), queue="sums", count=1)

def test_bound_no_longer():
    assert app.conf.url == "http://192.0.2.1:1"
    assert not app.conf.task_always_eager
"""
CONFIG = """
[pytest]
headrace_app = project:app
pythonpath = .
filterwarnings = error
"""
ENDLESS = """
import threading
from pathlib import Path

def test_endless(headrace_app):
    Path("running").touch()
    threading.Event().wait()
"""
NOT_IMPORTED = """
import sys

def test_nothing():
    assert not {"httpx", "headrace.app", "headrace_worker.worker"} & set(sys.modules)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project.py").write_text(PROJECT)
    (tmp_path / "test_project.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(CONFIG)
    return tmp_path


def processes_of(project: Path) -> list[list[str]]:
    """Return the command lines of what runs for a project, but for zombies, which have none."""
    return [
        words for p in psutil.process_iter(["cmdline"]) if str(project) in " ".join(words := p.info["cmdline"] or [])
    ]


def run_pytest(folder: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run pytest as a project does that has only pytest and headrace."""
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", *args]
    return subprocess.run(argv, cwd=folder, env=clean_env(env), capture_output=True, text=True, check=False)


def test_a_project_names_its_app(project: Path) -> None:
    done = run_pytest(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_nothing_is_left_when_the_tests_are_over(project: Path) -> None:
    run_pytest(project, "--basetemp", str(project / "base"))
    assert processes_of(project) == []
    assert [path for path in (project / "base").rglob("*") if path.is_file()] == []


def test_a_run_that_is_killed_leaves_no_server(project: Path) -> None:
    (project / "test_project.py").write_text(ENDLESS)
    argv = [sys.executable, "-m", "pytest", "--basetemp", str(project / "base")]
    run = Child(argv, project / "log", env=clean_env(), cwd=project)
    try:
        eventually((project / "running").exists, 60, run.tail())
        assert processes_of(project)
        run.kill9()
        eventually(lambda: not processes_of(project), 30)
    finally:
        run.end()


@pytest.mark.parametrize("named", ["project:nothing", "project:App", "project"])
def test_a_name_that_leads_to_no_app_is_told(project: Path, named: str) -> None:
    done = run_pytest(project, "-o", f"headrace_app={named}", "-k", "worker")
    assert f"headrace_app = {named!r} leads to" in done.stdout


def test_without_the_servers_extra_the_remedy_is_told(project: Path) -> None:
    (project / "msgspec.py").write_text("raise ModuleNotFoundError(\"No module named 'msgspec'\", name='msgspec')")
    done = run_pytest(project, "-k", "worker or eager", PYTHONPATH=str(project))
    assert "pip install 'headrace[server]'" in done.stdout
    assert re.search("1 passed.* 1 error", done.stdout)


def test_the_plugins_cost_nothing_before_they_are_used(project: Path) -> None:
    (project / "test_project.py").write_text(NOT_IMPORTED)
    done = run_pytest(project, "-p", "no:schemathesis", "-p", "no:anyio")
    assert "1 passed" in done.stdout, done.stdout
