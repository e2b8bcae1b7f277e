"""Real `headrace server` processes for tests."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.processes import Child, tail
from tests.support.waiting import eventually
from tests.support.watch import unwatch, watch

LISTENING = re.compile(r"listening on (http://127\.0\.0\.1:(\d+))")
START_S = 30.0
HEADRACE = Path(sys.executable).parent / "headrace"


def clean_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without settings of Headrace or pytest that the machine has, plus `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("HEADRACE_", "PYTEST_"))}
    return {**kept, **(extra or {})}


class ServerEnded(Exception):
    """A server that should have started; the text is its log."""


class ServerProcess:
    """One `headrace server` on a free port, with an embedded store in `data_dir` or an external one by URL."""

    def __init__(
        self,
        folder: Path,
        *,
        data_dir: Path | None = None,
        redis_url: str | None = None,
        flags: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        program: Sequence[str] = (str(HEADRACE),),
        watched: bool = True,
    ) -> None:
        """Prepare a server whose log lies in `folder`; the store is `redis_url`, else embedded in `data_dir`.

        `watched`: every reply that this process gets from it is held against openapi.yaml, which costs its time.
        """
        self.data_dir = None if redis_url else data_dir or folder / "data"
        self.log = folder / "server.log"
        self._store_flags = ["--redis", redis_url] if redis_url else ["--data-dir", str(self.data_dir)]
        self._flags = list(flags)
        self._env = clean_env(env)
        self._program = list(program)
        self._watched = watched
        self._child: Child | None = None
        self._seen = 0  # bytes of the log that earlier starts wrote
        self.port = 0
        self.url = ""

    @property
    def child(self) -> Child:
        assert self._child is not None, "the server was not started"
        return self._child

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def alive(self) -> bool:
        return self._child is not None and self._child.alive

    @property
    def store_url(self) -> str | None:
        """Where its embedded store can be reached; None when it has none that lives."""
        if self.data_dir is None or store_pid(self.data_dir) is None:
            return None
        return f"unix://{json.loads((self.data_dir / 'store.json').read_text())['socket']}"

    def start(self) -> "ServerProcess":
        """Start it (again, on the same port) and wait for its line `listening on http://127.0.0.1:PORT`."""
        self.launch()
        return self.ready()

    def launch(self) -> None:
        """Start it and return at once."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._seen = self.log.stat().st_size if self.log.exists() else 0
        argv = [*self._program, "server", "--port", str(self.port), *self._store_flags, *self._flags]
        self._child = Child(argv, self.log, env=self._env)

    def ready(self, timeout_s: float = START_S) -> "ServerProcess":
        """Wait until it listens."""
        found = eventually(self._listening, timeout_s, "the server listens")
        assert found
        self.url, self.port = found[1], int(found[2])
        if self._watched:
            watch(self.url)
        return self

    def output(self) -> str:
        """Return what this start has written so far."""
        if not self.log.exists():
            return ""
        return self.log.read_bytes()[self._seen :].decode(errors="replace")

    def kill9(self) -> None:
        """Kill -9 of the whole server (all its processes); its embedded store lives on."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.child.wait()

    def terminate(self, timeout_s: float = 15.0) -> int:
        """SIGTERM; return the exit code."""
        return self.child.terminate(timeout_s)

    def restart(self) -> "ServerProcess":
        """End it (if it still runs) and start it again on the same port."""
        if self.alive:
            self.terminate()
        return self.start()

    def end(self) -> None:
        """Make sure that the server and its embedded store are gone."""
        if self.url:
            unwatch(self.url)
        if self._child is not None:
            self._child.end()
        if self.data_dir is not None:
            end_store_of(self.data_dir)

    def _listening(self) -> re.Match[str] | None:
        found = LISTENING.search(self.output())
        if found is None and not self.alive:
            raise ServerEnded(f"the server ended with {self.child.exit_code}:\n{tail(self.log)}")
        return found


def store_pid(data_dir: Path) -> int | None:
    """Return the process id of the live embedded store of a data directory; None when there is none.

    The pid file may be old: a process counts only when it runs in that directory under a store's name.
    """
    try:
        pid = int(json.loads((data_dir / "store.json").read_text())["pid"])
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        here = Path(f"/proc/{pid}/cwd").samefile(data_dir)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return pid if here and (b"valkey" in words or b"redis" in words) else None


def end_store_of(data_dir: Path) -> None:
    """Kill the embedded store that a killed server left behind."""
    pid = store_pid(data_dir)
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: store_pid(data_dir) is None, 10.0, f"store {pid} is gone")


def run_headrace(*args: str, env: Mapping[str, str] | None = None, timeout_s: float = 60.0) -> tuple[int, str, str]:
    """Run `headrace ARGS` to its end; return exit code, stdout and stderr."""
    done = subprocess.run(
        [str(HEADRACE), *args], check=False, env=clean_env(env), capture_output=True, text=True, timeout=timeout_s
    )
    return done.returncode, done.stdout, done.stderr
