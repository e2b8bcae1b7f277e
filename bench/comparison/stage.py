"""One run's store, server, producer and worker: made fresh, of one contestant, and gone afterwards."""

import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from comparison.installing import BENCH, Environment
from comparison.processes import POLL_S, Ended, Service, log_tail
from comparison.roster import Contestant
from comparison.stores import Beanstalkd, RedisStore, Store

ANSWER_S = 600.0
FOLLOWS_S = 30.0
MEMORY = Path("/dev/shm")  # the tally's file, so that no disk is in anybody's figures


class Producer:
    """A process that enqueues in the way of its peer."""

    def __init__(self, argv: Sequence[str], log: Path, env: Mapping[str, str]) -> None:
        self._log = log
        with log.open("wb") as errors:
            self._popen = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=log.parent,
                env={**os.environ, **env},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def ask(self, do: str, **what: float) -> dict[str, float]:
        """Have something done and return the answer; raises Ended."""
        stdin, stdout = self._popen.stdin, self._popen.stdout
        assert stdin is not None
        assert stdout is not None
        line = b""
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps({"do": do, **what}).encode() + b"\n")
            stdin.flush()
            if select.select([stdout], [], [], ANSWER_S)[0]:
                line = stdout.readline()  # an answer is one short write
        if not line:
            raise Ended(f"the producer does not answer {do!r}: {log_tail(self._log)}")
        answer: dict[str, float] = json.loads(line)
        return answer

    def end(self) -> None:
        """End it."""
        self._popen.kill()
        self._popen.communicate()


class Tally:
    """What the jobs told: how many were started, and how long after their enqueue."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def count(self) -> int:
        """Return how many jobs were started so far."""
        return self.path.stat().st_size // 8

    def delays_ms(self, since: int) -> list[float]:
        """Return the time from enqueue to start of all jobs but the first `since`."""
        found = array("q")
        found.frombytes(self.path.read_bytes()[8 * since :])
        return [ns / 1e6 for ns in found]


@dataclass
class Stage:
    """Everything of one run; `worker` is there once it was started."""

    contestant: Contestant
    environment: Environment
    folder: Path
    store: Store
    server: Service | None
    url: str  # what workers and producers connect to
    tally: Tally
    worker: Service | None = None

    def start_worker(self, *more: str) -> Service:
        """Start the worker's command."""
        argv = [word.format(url=self.url, peers=BENCH / "peers") for word in self.contestant.worker]
        argv = self.environment.command((*argv, *more))
        self.worker = Service(argv, self.folder / "worker.log", self.variables())
        return self.worker

    def stop_worker(self) -> None:
        """End the worker, if there is one."""
        if self.worker is not None:
            self.worker.end()
            self.worker = None

    @contextlib.contextmanager
    def producer(self) -> Iterator[Producer]:
        """Start a producer, and end it."""
        argv: tuple[str, ...] = ("python", "-m", "peers.driver", self.contestant.peer)
        if self.contestant.peer == "bullmq":
            argv = ("node", str(BENCH / "peers" / "bullmq.cjs"))
        producer = Producer(self.environment.command(argv), self.folder / "producer.log", self.variables())
        try:
            yield producer
        finally:
            producer.end()

    def variables(self) -> dict[str, str]:
        """Return what the peer's module reads."""
        return {
            "PYTHONPATH": str(BENCH),
            "PEER_URL": self.url,
            "PEER_WISHES": self.contestant.wishes,
            "PEER_TALLY": str(self.tally.path),
            "HEADRACE_URL": self.url,
            **dict(self.environment.extra),
        }

    def wait(self, reached: Callable[[], bool], limit_s: float) -> bool:
        """Wait until something is so; return False when it is not within `limit_s` seconds."""
        end = time.monotonic() + limit_s
        while not reached():
            if time.monotonic() > end:
                return False
            if self.worker is not None:
                self.worker.check()
            time.sleep(POLL_S)
        return True


@contextlib.contextmanager
def stage(
    contestant: Contestant,
    environment: Environment,
    settings: str,
    *,
    durability: str = "fsync",
    replicated: bool = False,
    served: bool = True,
    server_flags: Sequence[str] = (),
) -> Iterator[Stage]:
    """Set up a store of its own and a server, for Headrace unless not `served`; all of it is gone afterwards."""
    with contextlib.ExitStack() as last:
        folder = Path(tempfile.mkdtemp(prefix="hr-bench-"))
        last.callback(shutil.rmtree, folder, ignore_errors=True)
        memory = Path(tempfile.mkdtemp(prefix="hr-bench-", dir=MEMORY if MEMORY.is_dir() else None))
        last.callback(shutil.rmtree, memory, ignore_errors=True)
        store = (Beanstalkd if contestant.peer == "beanstalkd" else RedisStore)(folder, settings)
        last.callback(store.end)
        if replicated:
            last.callback(replica_of(store, folder, settings).end)
        server, url = None, store.url
        if contestant.ours and served:
            flags = ("--durability", durability, *server_flags)
            server, url = start_server(environment, store.url, folder / "server.log", flags)
            last.callback(server.end)
        made = Stage(contestant, environment, folder, store, server, url, Tally(memory / "tally"))
        last.callback(made.stop_worker)
        yield made


def replica_of(store: Store, folder: Path, settings: str) -> RedisStore:
    """Start another store that follows this one, and wait until it does."""
    assert isinstance(store, RedisStore)
    place = folder / "replica"
    place.mkdir()
    replica = RedisStore(place, settings)
    replica.redis.replicaof("127.0.0.1", str(store.port))
    end = time.monotonic() + FOLLOWS_S
    while replica.info("replication").get("master_link_status") != "up":
        if time.monotonic() > end:
            replica.end()
            raise Ended("the replica does not follow")
        time.sleep(POLL_S)
    return replica


def start_server(environment: Environment, store: str, log: Path, flags: Sequence[str]) -> tuple[Service, str]:
    """Start a server on a store and return it with its URL."""
    argv = ("headrace", "server", "--port", "0", "--redis", store, "--tune-store", "--log-level", "warning", *flags)
    server = Service(environment.command(argv), log)
    try:
        return server, server.wait_for_line(r"listening on (http://\S+)")[1]
    except Ended:
        server.end()
        raise
