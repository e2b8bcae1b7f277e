"""Where a robot is reached, what its answers mean, and when it is asked again."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from headrace.relay.alerts import Notification, read
from headrace.relay.delivery import wait_s
from headrace.relay.robots import DingTalk, Outcome, Verdict, WeCom, judge, sign

from tests.relay.notices import alert, notice

BASE = "http://robot.example/send"


def some() -> Notification:
    return read(json.dumps(notice(*(alert(queue=f"q{n}") for n in range(300)))).encode())


def test_a_signature_is_what_openssl_makes_of_the_makers_description() -> None:
    # printf '1577262236757\nthis is secret' | openssl dgst -sha256 -hmac 'this is secret' -binary | base64
    assert sign("this is secret", 1577262236757) == "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM="


def test_wecom_is_reached_by_its_key() -> None:
    assert WeCom(BASE, "k&y").url(0) == f"{BASE}?key=k%26y"


def test_dingtalk_is_reached_by_token_time_and_signature() -> None:
    query = parse_qs(urlsplit(DingTalk(BASE, "t", "s").url(1_700_000_000_000)).query)
    assert query == {"access_token": ["t"], "timestamp": ["1700000000000"], "sign": [sign("s", 1_700_000_000_000)]}
    assert DingTalk(BASE, "t").url(1) == f"{BASE}?access_token=t"


def test_a_robot_shows_no_secret_of_its_own() -> None:
    assert "s3cret" not in repr([WeCom(BASE, "s3cret"), DingTalk(BASE, "s3cret", "s3cret")])


def test_messages_are_markdown_within_the_robots_bounds() -> None:
    to_wecom = json.loads(WeCom(BASE, "k").message(some()))
    assert to_wecom["msgtype"] == "markdown"
    assert len(to_wecom["markdown"]["content"].encode()) <= 4096
    to_dingtalk = DingTalk(BASE, "t").message(some())
    assert len(to_dingtalk) <= 20_000
    assert json.loads(to_dingtalk)["markdown"]["title"] == "FIRING 300: HeadraceBacklog"


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b'{"errcode": 0, "errmsg": "ok"}', Verdict(Outcome.TOLD)),
        (200, b'{"errcode": 93000, "errmsg": "bad"}', Verdict(Outcome.REFUSED, 93000, "bad")),
        (200, b'{"errcode": 310000}', Verdict(Outcome.REFUSED, 310000, "")),
        (200, b'{"errcode": 45009, "errmsg": "x"}', Verdict(Outcome.TOO_MANY, 45009, "x")),
        (200, b'{"errcode": 130101, "errmsg": "x"}', Verdict(Outcome.TOO_MANY, 130101, "x")),
        (200, b'{"errcode": -1, "errmsg": "x"}', Verdict(Outcome.UNREACHABLE, -1, "x")),
        (429, b"", Verdict(Outcome.TOO_MANY, 429)),
        (500, b'{"errcode": 0}', Verdict(Outcome.UNREACHABLE, 500)),
        (302, b"", Verdict(Outcome.UNREACHABLE, 302)),
    ],
)
def test_an_answer_is_judged_by_its_code(status: int, body: bytes, verdict: Verdict) -> None:
    assert judge(status, body) == verdict


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"7", b"{}", b'{"errcode": null}', b'{"errcode": "x"}', b"\xff"]
)
def test_another_answer_is_no_success(body: bytes) -> None:
    assert judge(200, body).outcome is Outcome.UNREACHABLE


def test_a_long_answer_is_told_in_short() -> None:
    assert len(judge(200, json.dumps({"errcode": 1, "errmsg": "x" * 9_000}).encode()).why or "") == 200


def test_waits_double_up_to_a_bound() -> None:
    assert [wait_s(tries, 1.0) for tries in range(5)] == [0.25, 0.5, 1.0, 2.0, 2.0]
    assert [wait_s(tries, 0.0) for tries in (0, 1, 10_000)] == [0.125, 0.25, 1.0]
