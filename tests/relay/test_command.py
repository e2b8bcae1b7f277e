"""What the command refuses to start with, and how it says so."""

import re
import socket
from pathlib import Path

import pytest
from headrace import cli

from tests.support.servers import run_headrace

KEY = {"HEADRACE_WECOM_KEY": "k3y"}
PAGE = Path(__file__).parents[2] / "docs/operations/alert-relay.md"
CODE = Path(__file__).parents[2] / "client/headrace/relay/settings.py"


@pytest.mark.parametrize(
    ("env", "why"),
    [
        ({}, "there is no robot to tell: set HEADRACE_WECOM_KEY or HEADRACE_DINGTALK_TOKEN"),
        ({"HEADRACE_DINGTALK_SECRET": "s"}, "DingTalk needs the token, too"),
        (KEY | {"HEADRACE_WECOM_KEY_FILE": "/x"}, "HEADRACE_WECOM_KEY and HEADRACE_WECOM_KEY_FILE are both set"),
        ({"HEADRACE_WECOM_KEY_FILE": "/no/such/file"}, "/no/such/file cannot be read: No such file or directory"),
        ({"HEADRACE_WECOM_KEY_FILE": "/dev/null"}, "HEADRACE_WECOM_KEY_FILE is empty"),
        ({"HEADRACE_WECOM_KEY": "http://x.example/?key=k3y"}, "give only what stands behind `key="),
        ({"HEADRACE_WECOM_KEY": "k3y two"}, "HEADRACE_WECOM_KEY is empty, or holds spaces"),
        (KEY | {"HEADRACE_WECOM_URL": "ftp://x.example"}, "an address that begins with http:// or https://"),
    ],
)
def test_a_setting_that_cannot_work_is_told_without_its_secret(
    env: dict[str, str], why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert cli.main(["alert-relay"]) == 78
    said = capsys.readouterr().err
    assert said.startswith("headrace alert-relay: ")
    assert why in said
    assert "k3y" not in said


def test_others_may_reach_it_only_with_a_token() -> None:
    code, _, said = run_headrace("alert-relay", "--listen", "0.0.0.0:0", env=KEY)
    assert code == 78
    assert "others reach 0.0.0.0: set HEADRACE_RELAY_TOKEN" in said


def test_a_taken_address_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, said = run_headrace("alert-relay", "--listen", str(port), env=KEY)
    assert (code, f"cannot listen on 127.0.0.1:{port}: " in said) == (78, True)


@pytest.mark.parametrize("words", [["--listen", "9096x"], ["--listen", "0:99999"], ["--wecom-key", "k"]])
def test_wrong_words_are_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["alert-relay", *words])
    assert left.value.code == 2
    assert "usage: headrace" in capsys.readouterr().err


def test_every_variable_stands_on_its_page_and_in_no_flag(capsys: pytest.CaptureFixture[str]) -> None:
    names = set(re.findall(r"HEADRACE_\w+", CODE.read_text()))
    listed = set(re.findall(r"\| `(HEADRACE_\w+)`", PAGE.read_text()))
    assert listed - {"HEADRACE_LOG_FORMAT"} == names
    with pytest.raises(SystemExit):
        cli.main(["alert-relay", "--help"])
    flags = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert flags == {"--help", "--listen", "--log-format", "--log-level"}
