"""A real server for tests: `headrace server` on an embedded store of its own, with a clock that tests may turn."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_LISTENING: Final = re.compile(rb"^listening on (http://\S+)", re.MULTILINE)
_START_S: Final = 60.0  # a machine that runs other tests beside may be slow; an idle one takes half a second
_STOP_S: Final = 30.0
_LOOK_S: Final = 0.01
_LOG_BYTES: Final = 8_000


class ServerFailed(Exception):
    """The test server does not start, or has ended; the text has the end of its log."""


class Server:
    """One server process on a free port of the loopback, with its store in a folder of its own; a context manager.

    Settings of the machine (`HEADRACE_*`) do not reach it. Results are as durable as tests need: a killed server loses
    nothing, a power cut may.
    """

    def __init__(self, folder: Path) -> None:
        """Prepare a server whose store and log lie in `folder`, which is made and removed with it."""
        self.url = ""  # http://127.0.0.1:PORT, once it runs
        self._folder = folder
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and wait until it listens. Raises ServerFailed."""
        self._start("0")
        return self

    def stop(self) -> None:
        """End it and remove its folder; nothing when it does not run."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)
        shutil.rmtree(self._folder, ignore_errors=True)

    def reset(self) -> None:
        """Begin anew with an empty store, at the same address."""
        port = self.url.rpartition(":")[2]
        self.stop()
        self._start(port)

    def log(self) -> str:
        """Return the end of what it has written."""
        return self._log.read_bytes()[-_LOG_BYTES:].decode(errors="replace") if self._log.exists() else ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Server({self.url or 'stopped'})"

    def _start(self, port: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        python = [sys.executable, "-m"]
        argv = [*python, "headrace", "server", "--port", port, "--data-dir", str(self._folder / "data")]
        argv += ["--durability", "relaxed", "--test-clock"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*python, "headrace.testing.keeper", *argv],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=_own_environment(),
                start_new_session=True,  # Ctrl-C is for pytest, which ends the server in its own time
            )
        self.url = self._wait_for_address()

    def _wait_for_address(self) -> str:
        assert self._process is not None
        end = time.monotonic() + _START_S
        while (found := _LISTENING.search(self._log.read_bytes())) is None:
            ended = self._process.poll() is not None
            if ended or time.monotonic() > end:
                said = self.log()
                self.stop()
                what = "has ended before it listened" if ended else f"does not listen after {_START_S:g} s"
                raise ServerFailed(f"The test server {what}:\n{said}")
            time.sleep(_LOOK_S)
        return found[1].decode()


def _own_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}


def _end(process: subprocess.Popen[bytes]) -> None:
    process.communicate(timeout=_STOP_S)  # closes its input: that ends the server
