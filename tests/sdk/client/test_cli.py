"""The command line without a server: help, wrong usage, plugins, signals, exit codes."""

import importlib.metadata
import io
import os
import re
import signal
import socket
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from headrace import (
    Conflict,
    ConnectionFailed,
    HeadraceError,
    Invalid,
    NotDone,
    NotFound,
    OutcomeUnknown,
    Problem,
    TimedOut,
    Unauthorized,
    __version__,
    cli,
    commands,
)

from tests.support.servers import HEADRACE, clean_env, run_headrace

NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens there


def _plugins(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    found = [EntryPoint(name, value, cli.GROUP) for name, value in values.items()]
    monkeypatch.setattr(cli, "entry_points", lambda group: found)


def test_version_prints_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["version"]) == 0
    assert capsys.readouterr().out == f"headrace {__version__}\n"


def test_no_command_shows_the_help_and_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "headrace enqueue demo.add" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["enqueue", "get", "wait", "queues"])
def test_help_has_examples_and_exit_codes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main([command, "--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert f"examples:\n  headrace {command}" in text
    assert all(f"\n  {code} " in text for code in (0, 1, 2, 3, 4, 69, 75))


def test_the_exit_codes_of_the_help_are_those_of_the_code() -> None:
    named = {value for name, value in vars(commands).items() if name.isupper() and type(value) is int}
    told = {int(code) for code in re.findall(r"(?m)^  (\d+) ", commands._EXIT_CODES)}
    assert told == named


@pytest.mark.parametrize(
    "words", [["explode"], ["get"], ["enqueue", "t", "--priority", "high"], ["queues", "-o", "xml"]]
)
def test_wrong_words_are_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(words)
    assert left.value.code == 2
    assert "usage: headrace" in capsys.readouterr().err


def test_a_plugin_that_cannot_be_loaded_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin = EntryPoint("server", "no_such_module.cli:register", cli.GROUP)
    plugin = plugin._for(importlib.metadata.distribution("headrace"))  # type: ignore[attr-defined]
    client = EntryPoint("client", "headrace.cli:register", cli.GROUP)
    monkeypatch.setattr(cli, "entry_points", lambda group: [plugin, client])
    assert cli.main(["up"]) == 2
    said = capsys.readouterr().err
    assert "no command 'up' here" in said
    assert "No module named 'no_such_module'" in said
    assert "pip install 'headrace[server]'" in said
    assert cli.main(["version"]) == 0, "the client's commands do not need it"


def test_plugins_are_loaded_only_as_far_as_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    _plugins(monkeypatch, a="no_such_module:register", client="headrace.cli:register")
    loaded: list[str] = []

    def load(plugin: EntryPoint) -> object:
        loaded.append(plugin.name)
        return cli.register

    monkeypatch.setattr(EntryPoint, "load", load)
    assert cli.main(["version"]) == 0
    assert loaded == ["client"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound, 3),
        (Invalid, 4),
        (Conflict, 4),
        (Unauthorized, 4),
        (ConnectionFailed, 69),
        (NotDone, 69),
        (OutcomeUnknown, 75),
        (TimedOut, 75),
    ],
)
def test_errors_have_their_exit_code(error: type[HeadraceError], code: int) -> None:
    assert commands.exit_code_of(error(Problem(code="x", detail=""))) == code


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("hello", "the payload is not JSON .*a text needs quotes"),
        ("[NaN]", "NaN has no place in JSON"),
        ("@/no/such/file", "/no/such/file cannot be read"),
        ("-", "standard input is not JSON"),
    ],
)
def test_a_payload_that_cannot_be_read_is_wrong_usage(
    payload: str, message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("{"))
    assert cli.main(["enqueue", "t", payload, "--url", NOWHERE]) == 2
    assert re.search(message, capsys.readouterr().err)


def test_an_address_that_is_none_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["queues", "--url", "localhost:8080"]) == 2
    assert "http://" in capsys.readouterr().err


def test_a_server_that_is_not_there_is_told_apart() -> None:
    code, out, err = run_headrace("queues", env={"HEADRACE_URL": NOWHERE})
    assert (code, out) == (69, "")
    assert err.startswith(f"headrace: No connection to {NOWHERE}")
    assert "Traceback" not in err


def test_a_reader_that_goes_away_ends_the_command_quietly(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [str(HEADRACE), "version"], stdout=writer, stderr=subprocess.PIPE, check=False, env=clean_env()
    )
    os.close(writer)
    assert done.returncode == cli.PIPE_CLOSED
    assert done.stderr == b""


# A test run in the background hands an ignored SIGINT down to its children: the child takes it back.
WITH_SIGINT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from headrace.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_ends_the_command_quietly() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        words = [sys.executable, "-c", WITH_SIGINT, "queues", "--url", url]
        child = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_env())
        connection, _ = server.accept()  # it waits for an answer now
        with connection:
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=30)
    assert child.returncode == cli.INTERRUPTED
    assert (out, err) == (b"", b"")


def test_it_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "headrace", "version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"headrace {__version__}\n"
