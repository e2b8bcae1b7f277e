"""A real server for tests: `headrace server` on an embedded store of its own, with a clock that tests may turn.

A store is never emptied, and a clock never set back: to begin anew is to go to a new server. One is kept in reserve,
which starts while a test runs.
"""

import itertools
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
    """A server on a free port of the loopback, with its store in a folder of its own; a context manager.

    Settings of the machine (`HEADRACE_*`) do not reach it. Results are as durable as tests need: a killed server loses
    nothing, a power cut may. It ends with the process that started it, however that ends.
    """

    def __init__(self, folder: Path) -> None:
        """Prepare a server whose store and log lie in `folder`, which is made and removed with it."""
        self._folder = folder
        self._is_used = False
        self._numbers = itertools.count(1)
        self._now: _Process | None = None
        self._next: _Process | None = None
        self._ended: list[_Process] = []

    def start(self) -> Self:
        """Start it; `url` waits until it listens."""
        self._now = self._launch()
        return self

    @property
    def url(self) -> str:
        """Where it listens: http://127.0.0.1:PORT, another port after `reset`. Raises ServerFailed."""
        if self._now is None:
            raise ServerFailed("The test server was not started.")
        self._is_used = True
        return self._now.address()

    def reset(self) -> None:
        """Begin anew, unless nobody has asked for its address yet: an empty store, at the present time."""
        if not self._is_used or self._now is None:
            return
        self._now.end()
        self._ended.append(self._now)
        self._now, self._next = self._next or self._launch(), self._launch()
        self._is_used = False

    def stop(self) -> None:
        """End it and remove its folder; nothing when it does not run."""
        processes = [*self._ended, *(each for each in (self._now, self._next) if each is not None)]
        self._now, self._next, self._ended = None, None, []
        for process in processes:
            process.end()
        for process in processes:
            process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def log(self) -> str:
        """Return the end of what it has written."""
        return "" if self._now is None else self._now.log()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Server({self._folder})"

    def _launch(self) -> "_Process":
        self._ended = [process for process in self._ended if not process.is_over()]
        return _Process(self._folder / str(next(self._numbers)))


class _Process:
    """One server process, behind a keeper that ends it with us."""

    def __init__(self, folder: Path) -> None:
        """Start it, and do not wait for it."""
        self._folder = folder
        self._address = ""
        self._log = folder / "server.log"
        folder.mkdir(parents=True)
        python = [sys.executable, "-m"]
        server = [*python, "headrace", "server", "--port", "0", "--data-dir", str(folder / "data")]
        with self._log.open("wb") as log:
            self._keeper = subprocess.Popen(
                [*python, "headrace.testing.keeper", *server, "--durability", "relaxed", "--test-clock"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")},
                start_new_session=True,  # Ctrl-C is for pytest, which ends the server in its own time
            )

    def address(self) -> str:
        """Wait until it listens, and return where. Raises ServerFailed."""
        if not self._address:
            self._address = self._find_address()
        return self._address

    def log(self) -> str:
        """Return the end of what it has written."""
        return self._log.read_bytes()[-_LOG_BYTES:].decode(errors="replace")

    def end(self) -> None:
        """Have it end, and do not wait for that."""
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()

    def is_over(self) -> bool:
        """Return whether it has ended; its folder is removed then."""
        if self._keeper.poll() is None:
            return False
        shutil.rmtree(self._folder, ignore_errors=True)
        return True

    def wait(self) -> None:
        """Wait for its end."""
        self._keeper.wait(_STOP_S)

    def _find_address(self) -> str:
        end = time.monotonic() + _START_S
        while (found := _LISTENING.search(self._log.read_bytes())) is None:
            if self._keeper.poll() is not None:
                raise ServerFailed(f"The test server has ended before it listened:\n{self.log()}")
            if time.monotonic() > end:
                raise ServerFailed(f"The test server does not listen after {_START_S:g} s:\n{self.log()}")
            time.sleep(_LOOK_S)
        return found[1].decode()
