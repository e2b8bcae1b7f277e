"""A receiver of webhooks on a loopback port of its own: it keeps what comes, and answers as a test wants.

Signatures are checked by a few lines of its own, which know the specification and nothing of the server.
"""

import base64
import hashlib
import hmac
import json
import ssl
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any, Self

Document = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """One request that came in."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def document(self) -> Document:
        found: Document = json.loads(self.body)
        return found

    @property
    def kind(self) -> str:
        return str(self.document["type"])

    @property
    def job_id(self) -> str:
        return str(self.document["data"]["job_id"])

    def signed_by(self, secret: str) -> bool:
        """Return whether one of the signatures is that of a secret (standardwebhooks.com)."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        wanted = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        return f"v1,{wanted}" in self.headers["webhook-signature"].split(" ")


@dataclass(frozen=True)
class Answer:
    """What the receiver says; `held` keeps it back until somebody sets it, `cut` closes without a word."""

    status: int = 204
    headers: Mapping[str, str] | None = None
    body: bytes = b""
    held: Event | None = None
    cut: bool = False


class Receiver:
    """Takes messages until `close`; `answers` says what each path gets, one after the other, the last one for ever."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.messages: list[Message] = []
        self.most_at_once = 0
        self._answers: dict[str, list[Answer]] = defaultdict(lambda: [Answer()])
        self._open = 0
        self._lock = Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, path: str, *answers: Answer) -> None:
        """Let a path get these answers in turn, and the last one from then on."""
        self._answers[path] = list(answers)

    def of(self, path: str) -> list[Message]:
        """Return what has come to a path."""
        return [message for message in self.messages if message.path == path]

    def close(self) -> None:
        for answers in self._answers.values():
            for answer in answers:
                if answer.held is not None:
                    answer.held.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, message: Message) -> Answer:
        with self._lock:
            self.messages.append(message)
            answers = self._answers[message.path]
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def _count(self, step: int) -> None:
        with self._lock:
            self._open += step
            self.most_at_once = max(self.most_at_once, self._open)

    def _handler(self) -> Callable[..., BaseHTTPRequestHandler]:
        receiver = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    return  # whoever sent it was killed meanwhile
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver._count(1)
                try:
                    self._say(receiver._take(Message(self.path, headers, body)))
                finally:
                    receiver._count(-1)

            def _say(self, answer: Answer) -> None:
                if answer.held is not None:
                    answer.held.wait(60)
                if answer.cut:
                    return
                try:
                    self.send_response(answer.status)
                    for name, value in (answer.headers or {}).items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answer.body)
                except OSError:
                    pass  # the server did not wait for it

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Door
