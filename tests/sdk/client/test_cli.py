"""The command line without a server: help, wrong usage, plugins, signals, exit codes."""

import importlib.metadata
import io
import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import fields
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from pathlib import Path

import httpx
import pytest
from headrace import (
    Client,
    Conflict,
    ConnectionFailed,
    HeadraceError,
    Invalid,
    NotDone,
    NotFound,
    OutcomeUnknown,
    Problem,
    QueueSettings,
    Rate,
    RetryPolicy,
    TimedOut,
    Unauthorized,
    __version__,
    cli,
)
from headrace.commands import _common, _settings
from headrace.commands._common import UsageError

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


COMMANDS = [
    *("enqueue", "get", "wait", "cancel", "jobs", "attempts", "explain", "retry", "patch", "delete"),
    *("queues", "queue", "limits", "limit", "operations", "operation", "events", "workers", "top", "dead"),
    *("pause", "resume", "drain", "purge", "export", "import", "bench", "config"),
    *(f"queue {verb}" for verb in ("show", "set", "pause", "resume", "drain", "purge", "delete")),
    *(f"limit {verb}" for verb in ("show", "set", "unset", "backoff")),
    *(f"operation {verb}" for verb in ("start", "show", "stop")),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_and_exit_codes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main([*command.split(), "--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert f"examples:\n  headrace {command.split(maxsplit=1)[0]}" in text
    assert all(f"\n  {code} " in text for code in (0, 1, 2, 3, 4, 69, 75))


def test_the_exit_codes_of_the_help_are_those_of_the_code() -> None:
    named = {value for name, value in vars(_common).items() if name.isupper() and type(value) is int}
    told = {int(code) for code in re.findall(r"(?m)^  (\d+) ", _common.EXIT_CODES)}
    assert told == named


@pytest.mark.parametrize(
    "words",
    [
        ["explode"],
        ["get"],
        ["enqueue", "t", "--priority", "high"],
        ["queues", "-o", "xml"],
        ["queue"],
        ["queue", "explode"],
        ["limit", "backoff", "stripe"],
        ["operation", "start", "explode"],
    ],
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
    assert _common.exit_code_of(error(Problem(code="x", detail=""))) == code


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


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("enqueue t --tag seven", "--tag seven: write NAME=VALUE"),
        ("enqueue t --on-conflict reject", "say what is unique, too"),
        ("jobs --tag seven", "--tag seven: write NAME=VALUE"),
        ("jobs --enqueued-after yesterday", "'yesterday' is no instant: write 2026-01-02T03:04:05Z, or 2h"),
        ("patch id", "nothing to change: give --priority"),
        ("operation start retry", "say which jobs are meant"),
    ],
)
def test_words_that_say_too_little_are_wrong_usage(
    words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*words.split(), "--url", NOWHERE]) == 2
    assert message in capsys.readouterr().err


def test_every_setting_has_its_word() -> None:
    settings = {field.name for field in fields(QueueSettings)} - {"retry"}
    retry = {f"retry.{field.name}" for field in fields(RetryPolicy)}
    assert set(_settings.QUEUE_WORDS) == settings | retry | {"burst"}


def test_settings_change_where_they_are_named_and_stay_elsewhere() -> None:
    before = QueueSettings(lease_ms=5, concurrency=8, retry=RetryPolicy(max_attempts=2), rate=Rate(count=1, per_ms=2))
    words = "lease_ms=90s concurrency= retry.jitter=off retry.non_retryable=A,B.* rate=100/60s burst=20"
    assert _settings.changed(before, words.split()) == QueueSettings(
        lease_ms=90_000,
        retry=RetryPolicy(max_attempts=2, jitter=False, non_retryable=("A", "B.*")),
        rate=Rate(count=100, per_ms=60_000, burst=20),
    )
    assert _settings.changed(before, ["retry.max_attempts="]).retry is None
    assert _settings.limit(5, Rate(count=1, per_ms=2), ["rate="]) == (5, None)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("concurrency", "write NAME=VALUE"),
        ("colour=red", "the names: lease_ms"),
        ("concurrency=many", "concurrency=many: a whole number is needed"),
        ("retry.jitter=perhaps", "on or off is needed"),
        ("retry.factor=two", "a number is needed"),
        ("rate=100", "write COUNT/TIME, for instance 10/1s"),
        ("lease_ms=long", "'long' is no time: write 250ms"),
        ("burst=5", "burst belongs to a rate"),
    ],
)
def test_settings_that_cannot_be_read_say_what_to_write(words: str, message: str) -> None:
    with pytest.raises(UsageError) as told:
        _settings.changed(QueueSettings(), words.split())
    assert message in str(told.value)


@pytest.mark.parametrize(
    ("text", "ms"), [("250ms", 250), ("1.5s", 1500), ("5m", 300_000), ("7d", 604_800_000), ("9", 9)]
)
def test_times_have_units(text: str, ms: int) -> None:
    assert _common.span_ms(text) == ms


def test_an_instant_is_written_out_or_lies_some_time_back_by_the_servers_clock() -> None:
    info = {"version": "1", "server_time": "2026-01-02T03:04:05.000Z"}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=info))
    with Client(NOWHERE, transport=transport) as client:
        assert _common.instant(client, "2026-01-02T03:04:05Z") == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert _common.instant(client, "2h") == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)


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
