"""Stand-ins for the robots: doors that keep what came, and check of it what the real ones would check."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

HOUR_MS = 3_600_000


class Came(NamedTuple):
    """One request at a robot."""

    path: str
    query: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


class Reply(NamedTuple):
    """What a robot says."""

    status: int
    body: bytes


def says(errcode: int, errmsg: str = "", status: int = 200) -> Reply:
    return Reply(status, json.dumps({"errcode": errcode, "errmsg": errmsg}).encode())


OK = says(0, "ok")


class RobotServer:
    """A robot's door on loopback. `replies` are given one after the other; with none left it does as a robot does."""

    def __init__(self, judge: Callable[[Came], Reply]) -> None:
        self.came: list[Came] = []
        self.replies: list[Reply] = []
        self.held = Event()  # cleared: answers wait
        self.held.set()
        robot = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                at = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(at.query).items()}
                came = Came(at.path, query, self.rfile.read(int(self.headers["content-length"])))
                robot.came.append(came)
                robot.held.wait(30)
                reply = robot.replies.pop(0) if robot.replies else judge(came)
                self.send_response(reply.status)
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = False

            def handle_error(self, request: object, client_address: object) -> None:
                """The relay gave up waiting."""

        self._server = Quiet(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/send"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def forget(self) -> "RobotServer":
        """Begin anew."""
        self.came.clear()
        self.replies.clear()
        self.held.set()
        return self

    def close(self) -> None:
        self.held.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def wecom(key: str) -> RobotServer:
    """A robot of WeCom with this key."""

    def judge(came: Came) -> Reply:
        if came.query != {"key": key}:
            return says(93000, "invalid webhook url")
        if len(came.document["markdown"]["content"].encode()) > 4096:
            return says(40058, "markdown.content exceed max length 4096")
        return OK

    return RobotServer(judge)


def dingtalk(token: str, secret: str) -> RobotServer:
    """A robot of DingTalk with this token, which asks for a signature with this secret."""

    def judge(came: Came) -> Reply:
        if came.query.get("access_token") != token:
            return says(300001, "token is not exist")
        at = came.query.get("timestamp", "0")
        if abs(time.time() * 1000 - int(at)) > HOUR_MS:
            return says(310000, "invalid timestamp")
        mac = hmac.new(secret.encode(), digestmod=hashlib.sha256)
        mac.update(at.encode() + b"\n" + secret.encode())
        if came.query.get("sign") != base64.standard_b64encode(mac.digest()).decode():
            return says(310000, "sign not match")
        if len(came.body) > 20_000 or not came.document["markdown"]["title"]:
            return says(460101, "message too long")
        return OK

    return RobotServer(judge)
