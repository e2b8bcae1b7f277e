"""A stand-in for Sentry: a transport that keeps the envelopes as they would travel, and what is in them."""

import gzip
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

DSN = "http://publickey@127.0.0.1:9/1"


class Kept(Transport):
    """A transport that sends nothing."""

    def __init__(self) -> None:
        super().__init__({"dsn": DSN})
        self.wire: list[bytes] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.wire.append(envelope.serialize())

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the contents of the items of a kind: `event`, `transaction`."""
        return items(self.wire, kind)


class SentryServer:
    """Sentry's door on a port of its own, for processes that send to it."""

    def __init__(self) -> None:
        self.wire: list[bytes] = []
        kept = self.wire

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                kept.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.dsn = f"http://publickey@127.0.0.1:{self._server.server_address[1]}/1"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def events(self, kind: str) -> list[dict[str, Any]]:
        return items(self.wire, kind)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def items(wire: list[bytes], kind: str) -> list[dict[str, Any]]:
    """Return the JSON of all items of a kind in some envelopes."""
    envelopes = map(Envelope.deserialize, wire)
    return [json.loads(item.get_bytes()) for envelope in envelopes for item in envelope.items if item.type == kind]
