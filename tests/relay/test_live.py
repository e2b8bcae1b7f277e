"""The relay as a process, between an Alertmanager that posts and robots that judge."""

import json
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.relay.conftest import BEARER, KEY, SECRET, START_S, TOKEN, MakeRelay, RelayProcess
from tests.relay.notices import alert, notice
from tests.relay.robots import OK, Reply, RobotServer, says
from tests.support.waiting import eventually


def test_an_alert_reaches_wecom(relay: RelayProcess, wecom_robot: RobotServer) -> None:
    assert relay.post("/wecom", notice(alert(queue="mail"))).status_code == 200
    (came,) = wecom_robot.came
    assert came.query == {"key": KEY}
    assert came.document["msgtype"] == "markdown"
    assert '<font color="warning">FIRING 1: HeadraceBacklog</font>' in came.document["markdown"]["content"]
    relay.says('msg="alerts told" robot=wecom alerts=HeadraceBacklog firing=1 resolved=0')


def test_an_alert_reaches_dingtalk_with_a_signature_that_it_accepts(
    relay: RelayProcess, dingtalk_robot: RobotServer
) -> None:
    assert relay.post("/dingtalk", notice(alert(), alert(status="resolved"))).status_code == 200
    (came,) = dingtalk_robot.came
    assert came.query.keys() == {"access_token", "timestamp", "sign"}
    assert came.document["markdown"]["title"] == "FIRING 1, RESOLVED 1: HeadraceBacklog"


def test_the_stand_in_judges_signatures(make_relay: MakeRelay, dingtalk_robot: RobotServer) -> None:
    reply = make_relay(HEADRACE_DINGTALK_SECRET="SEC-another").post("/dingtalk", notice(alert()))
    assert (reply.status_code, reply.json()["detail"]) == (
        502,
        "the robot: refused (310000); the relay's log says more",
    )
    assert len(dingtalk_robot.came) == 1


def test_a_robot_that_stumbles_is_told_again_and_alertmanager_hears_of_success(
    relay: RelayProcess, wecom_robot: RobotServer
) -> None:
    wecom_robot.replies = [Reply(502, b"<html>"), says(-1, "system busy"), Reply(200, b"{"), OK]
    assert relay.post("/wecom", notice(alert())).status_code == 200
    assert len({came.body for came in wecom_robot.came}) == 1
    assert len(wecom_robot.came) == 4


@pytest.mark.parametrize(
    ("reply", "status", "detail"),
    [
        (says(93000, "invalid webhook url"), 502, "the robot: refused (93000); the relay's log says more"),
        (says(45009, "api freq out of limit"), 503, "the robot: too many (45009); the relay's log says more"),
    ],
)
def test_a_refusal_is_not_repeated_here_and_has_alertmanager_try_again(
    relay: RelayProcess, wecom_robot: RobotServer, reply: Reply, status: int, detail: str
) -> None:
    wecom_robot.replies = [reply]
    answer = relay.post("/wecom", notice(alert()))
    assert (answer.status_code, answer.json()["detail"]) == (status, detail)
    assert len(wecom_robot.came) == 1
    relay.says('level=error logger=headrace.relay msg="alerts not told" robot=wecom')


def test_secrets_are_in_no_line_and_in_no_answer(
    make_relay: MakeRelay, wecom_robot: RobotServer, dingtalk_robot: RobotServer
) -> None:
    relay = make_relay("--log-level", "debug", "--log-format", "json", HEADRACE_RELAY_TOKEN=BEARER)
    wecom_robot.replies = [says(1, f"hint: {KEY}")]
    dingtalk_robot.replies = [Reply(500, TOKEN.encode()), says(1, f"{TOKEN} {SECRET}")]
    bearer = {"Authorization": f"Bearer {BEARER}"}
    answers = [relay.post(path, notice(alert()), **bearer) for path in ("/wecom", "/dingtalk")]
    answers.append(relay.post("/wecom", notice(alert())))
    assert [answer.status_code for answer in answers] == [502, 502, 401]
    relay.process.terminate()
    said = relay.text() + "".join(answer.text for answer in answers)
    assert [word for word in (KEY, TOKEN, SECRET, BEARER) if word in said] == []
    lines = [json.loads(line) for line in relay.text().splitlines()]
    assert {line["service.name"] for line in lines} == {"headrace-alert-relay"}
    assert [line["headrace.robot"] for line in lines if line["message"] == "alerts not told"] == ["wecom", "dingtalk"]


def test_keys_may_lie_in_files(make_relay: MakeRelay, tmp_path: Path) -> None:
    env = {"HEADRACE_WECOM_KEY": "", "HEADRACE_DINGTALK_TOKEN": "", "HEADRACE_DINGTALK_SECRET": ""}
    for name, word in (("HEADRACE_DINGTALK_TOKEN", TOKEN), ("HEADRACE_DINGTALK_SECRET", SECRET)):
        (tmp_path / name).write_text(f"{word}\n")
        env[f"{name}_FILE"] = str(tmp_path / name)
    relay = make_relay(**env)
    assert relay.post("/dingtalk", notice(alert())).status_code == 200
    assert relay.post("/wecom", notice(alert())).status_code == 404, "it has no key, and a repeat would mend nothing"


def test_whoever_has_no_token_writes_nothing_into_the_chat(make_relay: MakeRelay, wecom_robot: RobotServer) -> None:
    relay = make_relay(HEADRACE_RELAY_TOKEN=BEARER)
    assert relay.post("/wecom", notice(alert())).status_code == 401
    assert relay.post("/wecom", notice(alert()), Authorization="Bearer x").status_code == 401
    assert httpx.get(f"{relay.url}/livez", trust_env=False).status_code == 200
    assert wecom_robot.came == []
    assert relay.post("/wecom", notice(alert()), Authorization=f"Bearer {BEARER}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [
        ("GET", "/livez", b"", 200),
        ("HEAD", "/livez", b"", 405),
        ("POST", "/livez", b"", 405),
        ("GET", "/wecom", b"", 405),
        ("POST", "/slack", b"{}", 404),
        ("POST", "/wecom", b"{}", 400),
        ("POST", "/wecom", b"x" * 1_048_577, 413),
    ],
)
def test_what_else_is_asked_is_answered_shortly(
    relay: RelayProcess, wecom_robot: RobotServer, method: str, path: str, content: bytes, status: int
) -> None:
    answer = httpx.request(method, relay.url + path, content=content, trust_env=False)
    assert answer.status_code == status
    assert answer.headers["connection"] == "close"
    assert status != 405 or answer.headers["allow"] in ("GET", "POST")
    assert wecom_robot.came == []


def talk(port: int, sent: bytes) -> bytes:
    """Return everything that is answered to some bytes."""
    with socket.create_connection(("127.0.0.1", port), 30) as door:
        door.sendall(sent)
        return b"".join(iter(lambda: door.recv(65_536), b""))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello\r\n\r\n", b"400"),
        (b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 200_000, b"431"),
        (b"POST /wecom HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n", b"413"),
        (
            b"POST /wecom HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"100001\r\n" + b"x" * 0x100001,
            b"413",
        ),
    ],
)
def test_what_cannot_be_taken_is_refused_in_time(relay: RelayProcess, sent: bytes, status: bytes) -> None:
    assert talk(relay.port, sent).split(b" ", 2)[1] == status


def test_a_body_in_chunks_and_one_that_waits_for_leave_are_taken(relay: RelayProcess, wecom_robot: RobotServer) -> None:
    body = json.dumps(notice(alert())).encode()
    answer = httpx.post(f"{relay.url}/wecom", content=iter([body[:100], body[100:]]), trust_env=False)
    assert answer.status_code == 200
    with socket.create_connection(("127.0.0.1", relay.port), 30) as door:
        head = f"POST /wecom HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
        door.sendall(head.encode())
        assert door.recv(100).startswith(b"HTTP/1.1 100 ")
        door.sendall(body)
        assert b"".join(iter(lambda: door.recv(65_536), b"")).startswith(b"HTTP/1.1 200 ")
    assert len(wecom_robot.came) == 2


def test_a_stop_lets_what_runs_end_and_cuts_what_has_not_begun(make_relay: MakeRelay, wecom_robot: RobotServer) -> None:
    relay = make_relay()
    wecom_robot.held.clear()
    with socket.create_connection(("127.0.0.1", relay.port), 30) as idle, ThreadPoolExecutor() as pool:
        waiting = pool.submit(relay.post, "/wecom", notice(alert()))
        eventually(lambda: wecom_robot.came, START_S)
        relay.process.signal(signal.SIGTERM)
        assert idle.recv(1) == b""
        eventually(lambda: refused(relay.port), START_S, "it listens no more")
        assert relay.process.alive
        wecom_robot.held.set()
        assert waiting.result().status_code == 200
    assert relay.process.wait(START_S) == 0
    relay.says("msg=stopped")
    assert "Traceback" not in relay.text()


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 30).close()
    except ConnectionRefusedError:
        return True
    return False
