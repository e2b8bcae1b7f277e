"""`headrace up`: a server and a demo worker, and a curl line that gives a result."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.needs import missing
from tests.support.processes import Child, runs, tail
from tests.support.servers import HEADRACE, clean_env, end_store_of, store_pid
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(180)
START_S = 30.0
Up = Callable[..., Child]


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """A data directory whose store is ended in any case."""
    yield tmp_path / "data"
    end_store_of(tmp_path / "data")


@pytest.fixture
def up(tmp_path: Path, data_dir: Path) -> Iterator[Up]:
    """A maker of running `headrace up` processes."""
    made: list[Child] = []

    def make(*flags: str, **env: str) -> Child:
        argv = [str(HEADRACE), "up", "--port", "0", "--data-dir", str(data_dir), *flags]
        child = Child(argv, tmp_path / "up.log", env=clean_env(env))
        made.append(child)
        eventually(lambda: "Ctrl-C ends both" in child.tail() or not child.alive, START_S, "it says what to do")
        assert child.alive, child.tail()
        return child

    yield make
    for child in made:
        child.end()


def _curl_line(child: Child) -> list[str]:
    found = re.search(r"^ +(curl .*)$", tail(child.log), re.MULTILINE)
    assert found, child.tail()
    return shlex.split(found[1])


def _workers(child: Child) -> list[int]:
    return [each.pid for each in psutil.Process(child.pid).children() if "headrace_worker" in _command(each)]


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # it ended meanwhile, or nobody has asked for its exit code yet
        return ""


def test_the_printed_curl_line_gives_a_result(up: Up) -> None:
    argv = _curl_line(up())
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True)
    except FileNotFoundError:
        missing("curl is not installed")
    job = json.loads(done.stdout)
    assert (job["state"], job["result"]) == ("succeeded", 5)


def test_one_sigterm_ends_everything(up: Up, data_dir: Path) -> None:
    child = up()
    workers = _workers(child)
    assert workers
    assert child.terminate() == 0
    assert not any(runs(pid) for pid in workers)
    assert store_pid(data_dir) is None
    assert "Traceback" not in child.tail()


def test_a_killed_server_leaves_no_worker_behind(up: Up) -> None:
    child = up()
    workers = _workers(child)
    child.kill9()
    eventually(lambda: not any(runs(pid) for pid in workers), 20, "the worker has ended")


def test_a_worker_that_dies_is_started_again(up: Up) -> None:
    child = up()
    [first] = _workers(child)
    psutil.Process(first).kill()
    eventually(lambda: _workers(child) not in ([], [first]), 10, "there is another worker")


def test_the_worker_gets_the_token_and_no_other_secret(up: Up) -> None:
    child = up("--processes", "2", HEADRACE_TOKENS="first-t0ken,second-t0ken")
    [worker] = _workers(child)
    environ = psutil.Process(worker).environ()
    assert environ["HEADRACE_TOKEN"] == "first-t0ken"
    assert "HEADRACE_TOKENS" not in environ
    assert "t0ken" not in tail(child.log)
    argv = _curl_line(child)
    assert "authorization: Bearer $HEADRACE_TOKEN" in argv
    filled = [word.replace("$HEADRACE_TOKEN", "first-t0ken") for word in argv]
    try:
        done = subprocess.run(filled, capture_output=True, text=True, timeout=30, check=True)
    except FileNotFoundError:
        missing("curl is not installed")
    assert json.loads(done.stdout)["result"] == 5


def test_help_is_quick_and_says_what_every_flag_means() -> None:
    code = "import sys, headrace_server.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"redis", "uvicorn", "starlette"} & set(done.stdout.split())
    for command in ("up", "server", "doctor"):
        shown = subprocess.run([HEADRACE, command, "--help"], capture_output=True, text=True, check=True).stdout
        for flag in ("--host", "--port", "--data-dir", "--redis", "--processes", "--durability"):
            assert flag in shown
