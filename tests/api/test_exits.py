"""How a server ends by itself: an exit code that says whether to start it again, and words instead of a stack."""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable

import httpx
import pytest
from headrace_server.cli.refusals import Refused
from headrace_server.cli.serve import guarded
from headrace_server.config import SettingsError
from headrace_server.domain.errors import Code, NotDone
from headrace_server.store import StoreRefused, StoreUnreachable

from tests.support.servers import ServerProcess, end_store_of, run_headrace, store_pid
from tests.support.waiting import eventually

FAULT = NotDone(Code.STORE_UNREACHABLE, "the store cannot be reached")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (SettingsError("HEADRACE_PORT is odd"), os.EX_CONFIG, "HEADRACE_PORT is odd"),
        (Refused("no door"), os.EX_CONFIG, "no door"),
        (StoreRefused("it evicts", "change that"), os.EX_CONFIG, "it evicts\nchange that"),
        (StoreUnreachable("it is silent", "start it"), os.EX_UNAVAILABLE, "it is silent\nstart it"),
        (FAULT, os.EX_UNAVAILABLE, "The store failed: the store cannot be reached"),
    ],
)
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_an_end_that_has_a_reason_is_told_in_words_also_from_a_background_duty(
    error: Exception, code: int, words: str, depth: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(depth):
        error = ExceptionGroup("unhandled errors in a TaskGroup", [error])

    def command() -> int:
        raise error

    assert guarded(command) == code
    assert capsys.readouterr().err == f"headrace: {words}\n"


def test_a_fault_of_ours_is_70_and_keeps_its_stack(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert guarded(lambda: 1 // 0) == os.EX_SOFTWARE
    assert "report it" in capsys.readouterr().err
    assert "1 // 0" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_fault_before_there_is_a_log_shows_its_stack() -> None:
    fault = "from headrace_server.cli.serve import guarded; guarded(lambda: 1 // 0)"
    done = subprocess.run([sys.executable, "-c", fault], capture_output=True, text=True, check=False)
    assert "ZeroDivisionError" in done.stderr


def test_an_address_that_cannot_be_had_comes_with_the_remedy_that_fits() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, said = run_headrace("server", "--port", str(taken.getsockname()[1]))
    assert (code, "choose another --port" in said) == (os.EX_CONFIG, True)
    code, _, said = run_headrace("server", "--host", "192.0.2.1", "--port", "0", "--insecure-public")
    assert (code, "Choose an address of this machine" in said) == (os.EX_CONFIG, True)


def test_a_folder_that_is_removed_under_a_server_ends_it_with_a_reason(
    make_server: Callable[..., ServerProcess],
) -> None:
    server = make_server()
    assert server.data_dir is not None
    aside = server.data_dir.with_name("aside")
    server.data_dir.rename(aside)
    try:
        eventually(lambda: not server.alive, 10.0, "it ends")
        assert server.child.exit_code == os.EX_CONFIG
        assert f"The data directory {server.data_dir} cannot be used: No such file or directory" in server.output()
        assert "was left running" in server.output()
        assert "Traceback" not in server.output()
    finally:
        end_store_of(aside)
        shutil.rmtree(aside)


def test_a_server_without_open_files_to_spare_goes_on(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server()
    soft, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (1, hard))  # as with more connections than it may have
    eventually(lambda: "cannot be looked after" in server.output(), 10.0, "it says what it lacks")
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (soft, hard))
    eventually(lambda: httpx.get(f"{server.url}/readyz").status_code == 200, 10.0, "it serves")
    assert server.output().count("cannot be looked after") == 1, "told once, not ten times a second"
    assert server.terminate() == 0


def test_the_death_of_the_store_is_a_warning(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server(flags=["--log-level", "warning"])
    assert server.data_dir is not None
    pid = store_pid(server.data_dir)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: "the store died" in server.output(), 10.0, "whoever reads warnings alone hears of it")
