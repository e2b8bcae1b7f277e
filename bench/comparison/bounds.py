"""What the parts could do alone: the store with the same scripts from a client in C, and uvicorn with the same bytes.

What a server sends to its store while jobs are enqueued and drained is recorded once, and piped into fresh stores by
redis-cli, which does not wait for answers: no caller can have the scripts run faster. What a worker and its server say
to each other is counted, and as many requests of the mean size are answered by uvicorn and an application that does
nothing.
"""

import asyncio
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from headrace import Client, State
from http_throughput import Connection

from comparison.heats import READY_S, Figures, LostJobs
from comparison.installing import Environment
from comparison.own import LIMIT_S, OURS, QUEUE, fill, work_off
from comparison.processes import Ended, Service
from comparison.recording import Meter, Tape
from comparison.stage import Stage, stage, start_server
from comparison.stores import RedisStore, free_port, port_of, wait_until_open

CONNECTIONS = 4  # a worker's requests overlap
WARM = 1_000
HEAD_BYTES = 150  # of a request or reply, about
NOTHING = """
import sys, uvicorn
body = b"x" * int(sys.argv[2])
head = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]}

async def app(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send(head)
    await send({"type": "http.response.body", "body": body})

uvicorn.run(
    app, port=int(sys.argv[1]), loop="uvloop", http="httptools", lifespan="off", log_level="error", access_log=False
)
"""


@dataclass(frozen=True)
class Recorded:
    """What was said while `jobs` jobs were enqueued and drained."""

    jobs: int
    setup: bytes
    enqueue: bytes
    drain: bytes
    requests: int
    request_bytes: int  # of a mean one
    reply_bytes: int


def bounds(environment: Environment, jobs: int, rounds: int) -> Iterator[Figures]:
    """Measure the parts and the whole in turn."""
    recorded = record(environment, jobs)
    with stage(OURS, environment, "strict") as on, Client(on.url) as client:
        for number in range(rounds):
            figures = replay(environment, recorded, check=number == 0)
            figures["uvicorn_drain"] = asyncio.run(serve_the_same(recorded))
            figures["bounded_bulk"] = fill(client, jobs)
            figures["bounded_drain"] = work_off(on, jobs)
            fill(client, jobs)
            yield figures | {"bounded_drain_alone": work_off(on, jobs, "--processes", "1")}


def record(environment: Environment, jobs: int) -> Recorded:
    """Enqueue jobs in bulk and let a worker drain them, and keep what was said."""
    with taped(environment) as (on, tape), Meter(port_of(on.url)) as meter, Client(on.url) as client:
        on.url = f"http://127.0.0.1:{meter.port}"
        _enqueue_and_drain(on, tape, client, WARM, WARM)  # every function is loaded, and every connection open
        setup, before = len(tape.commands), meter.counts()
        filled = _enqueue_and_drain(on, tape, client, jobs, WARM + jobs)
        parts = [
            b"".join(part) for part in (tape.commands[:setup], tape.commands[setup:filled], tape.commands[filled:])
        ]
        requests, sent, answered = (now - then for now, then in zip(meter.counts(), before, strict=True))
    sizes = [max(0, size // requests - HEAD_BYTES) for size in (sent, answered)]
    return Recorded(jobs, parts[0], parts[1], parts[2], requests, sizes[0], sizes[1])


@contextmanager
def taped(environment: Environment) -> Iterator[tuple[Stage, Tape]]:
    """Set up a stage whose server reaches its store through a tape."""
    with stage(OURS, environment, "strict", served=False) as on:
        assert isinstance(on.store, RedisStore)
        with Tape(on.store.port) as tape:
            server, on.url = start_server(environment, f"redis://127.0.0.1:{tape.port}/0", on.folder / "server.log", ())
            try:
                yield on, tape
            finally:
                on.stop_worker()
                server.end()


def _enqueue_and_drain(on: Stage, tape: Tape, client: Client, jobs: int, ends: int) -> int:
    """Do it until so many jobs have ended; return how many commands were recorded when the worker began."""
    fill(client, jobs)
    filled = len(tape.commands)
    on.start_worker()
    if not on.wait(lambda: client.queue_stats(QUEUE).counts.get(State.SUCCEEDED, 0) >= ends, READY_S + LIMIT_S):
        raise LostJobs("the recorded jobs do not end")
    on.stop_worker()
    return filled


def replay(environment: Environment, recorded: Recorded, *, check: bool) -> Figures:
    """Pipe the recorded commands into a fresh store; return the rates, none where there is no redis-cli."""
    program = shutil.which("valkey-cli") or shutil.which("redis-cli")
    if program is None:
        return {}
    with tempfile.TemporaryDirectory(prefix="hr-bench-") as folder, ExitStack() as last:
        store = RedisStore(Path(folder), "strict")
        last.callback(store.end)
        pipe(program, store.port, recorded.setup)
        figures = {
            "store_enqueue": recorded.jobs / pipe(program, store.port, recorded.enqueue),
            "store_drain": recorded.jobs / pipe(program, store.port, recorded.drain),
        }
        if check:
            check_done(environment, store, Path(folder), WARM + recorded.jobs)
    return figures


def pipe(program: str, port: int, commands: bytes) -> float:
    """Send commands as fast as the store takes them; return the seconds until the last answer."""
    begun = time.monotonic()
    done = subprocess.run([program, "-p", str(port), "--pipe"], input=commands, capture_output=True, check=False)
    seconds = time.monotonic() - begun
    said = done.stdout + done.stderr
    # a server tries a function before it loads it
    if int(re.findall(rb"errors: (\d+),", said)[0]) != said.count(b"ERR Function not found"):
        raise Ended(f"{program} --pipe: {said[-500:].decode(errors='replace')}")
    return seconds


def check_done(environment: Environment, store: RedisStore, folder: Path, jobs: int) -> None:
    """Ask a server whether the replayed jobs were all done: scripts that refuse are no work."""
    server, url = start_server(environment, store.url, folder / "server.log", ())
    try:
        with Client(url) as client:
            done = client.queue_stats(QUEUE).counts.get(State.SUCCEEDED, 0)
    finally:
        server.end()
    if done != jobs:
        raise LostJobs(f"a replay ended {done} of {jobs} jobs")


async def serve_the_same(recorded: Recorded) -> float:
    """Send as many requests of the same size to uvicorn alone; return jobs a second."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="hr-bench-") as folder:
        argv = [sys.executable, "-c", NOTHING, str(port), str(recorded.reply_bytes)]
        service = Service(argv, Path(folder) / "uvicorn.log")
        try:
            wait_until_open(service, port)
            connections = [await Connection.open(port) for _ in range(CONNECTIONS)]
            body, each = b"x" * recorded.request_bytes, max(25, recorded.requests // CONNECTIONS)

            async def send(connection: Connection) -> None:
                for _ in range(each):
                    await connection.post("/v1/leases", body)

            begun = time.monotonic()
            await asyncio.gather(*map(send, connections))
            rate = CONNECTIONS * each / (time.monotonic() - begun)
            for connection in connections:
                connection.close()
        finally:
            service.end()
    return rate * recorded.jobs / recorded.requests
