"""The store under a queue: the same program with the same settings for all, in a folder of its own."""

import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from headrace_server.store.allocator import AUTO, choose_malloc
from headrace_server.store.binary import find_binary
from redis import Redis

from comparison.processes import POLL_S, Ended, Service

START_S = 20.0
TRIES = 5  # a port that was free may be taken before the store has it
# settings of the two tables, and of modes of durability; `save` of defaults is what the program does by itself
SETTINGS = {
    "strict": {"appendonly": "yes", "appendfsync": "always", "save": ""},
    "relaxed": {"appendonly": "yes", "appendfsync": "everysec", "save": ""},
    "defaults": {},
}


class RedisStore:
    """Valkey, as it comes with Headrace, or the Redis on PATH."""

    def __init__(self, folder: Path, settings: str, more: dict[str, object] | None = None) -> None:
        """Start it and wait until it answers."""
        binary = find_binary()
        self.version = f"{binary.name} {binary.version}"
        options = {"dir": folder, "bind": "127.0.0.1", **SETTINGS[settings], **(more or {})}
        malloc = choose_malloc(binary, AUTO)  # as the server starts its own
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self.service, self.port = _started(
            lambda port: [*malloc.words, str(binary.path), "--port", str(port), *words], folder / "store.log"
        )
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.redis = Redis(port=self.port, socket_timeout=30)

    def used(self) -> int:
        """Return the bytes in use, without what clients and the file's buffer take for the moment."""
        memory = self.info("memory")
        return int(memory["used_memory"]) - int(memory["mem_clients_normal"]) - int(memory["mem_aof_buffer"])

    def work(self) -> tuple[int, int]:
        """Return how many commands it ran, those of scripts too, and how often it read from a client, this time too."""
        stats = self.info("stats")
        return int(stats["total_commands_processed"]), int(stats["total_reads_processed"])

    def info(self, section: str) -> dict[str, Any]:
        found: dict[str, Any] = self.redis.info(section)
        return found

    def end(self) -> None:
        """End it; what it holds goes with its folder."""
        self.redis.close()
        self.service.end()


class Beanstalkd:
    """beanstalkd, which is store and server in one."""

    def __init__(self, folder: Path, settings: str) -> None:
        """Start it; `strict` writes a log and syncs it at each write."""
        program = shutil.which("beanstalkd")
        assert program is not None
        durable = ["-b", str(folder), "-f", "0"] if settings == "strict" else []
        self.version = "beanstalkd"
        self.service, port = _started(
            lambda port: [program, "-l", "127.0.0.1", "-p", str(port), *durable], folder / "store.log"
        )
        self.url = f"beanstalk://127.0.0.1:{port}"

    def used(self) -> int:
        """Return the bytes of the process: it tells nothing finer."""
        return self.service.memory()

    def work(self) -> tuple[int, int]:
        """Return nothing: a worker that waits for a job asks it once."""
        return 0, 0

    def end(self) -> None:
        self.service.end()


Store = RedisStore | Beanstalkd


def _started(command: Callable[[int], list[str]], log: Path) -> tuple[Service, int]:
    """Start a program that listens on a port that is free; return when it takes connections."""
    for _ in range(TRIES):
        port = free_port()
        service = Service(command(port), log)
        try:
            wait_until_open(service, port)
        except Ended:
            service.end()
        else:
            return service, port
    raise Ended(f"{command(0)[0]} does not start: {log.read_text(errors='replace')[-1000:]}")


def wait_until_open(service: Service, port: int) -> None:
    """Wait until somebody listens on a port of this machine; raises Ended."""
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        service.check()
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            time.sleep(POLL_S)
        else:
            return
    raise Ended("nobody listens")


def free_port() -> int:
    """Return a port that nobody has for the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def port_of(url: str) -> int:
    """Return the port of a server's URL."""
    return int(url.rpartition(":")[2])
