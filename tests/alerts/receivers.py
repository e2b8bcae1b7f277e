"""Stand-ins for what an Alertmanager tells: a web hook of any kind, and a mail server."""

import json
import socketserver
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Hook:
    """A door for JSON that keeps what came, by its path."""

    def __init__(self) -> None:
        self.came: list[tuple[str, Any]] = []
        kept = self.came

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                kept.append((self.path, json.loads(body)))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = _Serving(ThreadingHTTPServer(("127.0.0.1", 0), Door))
        self.url = f"http://{self._server.address}"

    def at(self, path: str) -> list[Any]:
        """Return what came to a path."""
        return [body for where, body in self.came if where == path]

    def close(self) -> None:
        self._server.close()


class Mailbox:
    """A mail server that keeps what it is given; of SMTP (RFC 5321) it knows what a client cannot do without."""

    def __init__(self) -> None:
        self.came: list[str] = []
        kept = self.came

        class Door(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("220 ready")
                for line in self.rfile:
                    verb = line.split()[0].upper()
                    if verb == b"DATA":
                        self._say("354 go on")
                        kept.append("".join(iter(self._line, ".\r\n")))
                    self._say("221 bye" if verb == b"QUIT" else "250 ok")
                    if verb == b"QUIT":
                        return

            def _line(self) -> str:
                return self.rfile.readline().decode()

            def _say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        self._server = _Serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Door))
        self.address = self._server.address

    def close(self) -> None:
        self._server.close()


class _Serving:
    """A server in a thread, until it is closed; then whoever is talking has hung up, or is waited for."""

    def __init__(self, server: socketserver.ThreadingTCPServer | ThreadingHTTPServer) -> None:
        server.daemon_threads = False
        self.address = f"127.0.0.1:{server.server_address[1]}"
        self._server = server
        self._thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
