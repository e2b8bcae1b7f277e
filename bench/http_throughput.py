"""Measures the server over HTTP on loopback: enqueues one by one and in bulk, and settle-and-lease in one request.

Run it as `.venv/bin/python bench/http_throughput.py`; it starts what it needs (an embedded store with appendfsync
always, one server process, one bare Starlette application for comparison), stops by itself within five minutes and
prints medians of ROUNDS rounds. The bare application decodes the same body and stores nothing: the ratio to it is what
travels between machines, the absolute numbers do not.
"""

import asyncio
import contextlib
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from crowd import Crowd, post

ROUNDS = 5
TIME_LIMIT_S = 300
CONNECTIONS = 64
ENQUEUES = 6_000
BULK = 500
BULK_JOBS = 20_000
LEASE_JOBS = {1: 300, 10: 3_000, 50: 8_000, 200: 8_000}
BODY = json.dumps({"task": "bench", "payload": {"text": "x" * 80}}).encode()
ENQUEUE = post("/v1/jobs", BODY)

BARE = """
import msgspec, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

class Job(msgspec.Struct):
    task: str
    payload: msgspec.Raw

decode = msgspec.json.Decoder(Job).decode

async def enqueue(request):
    decode(await request.body())
    return Response(b"{}", 201, media_type="application/json")

app = Starlette(routes=[Route("/v1/jobs", enqueue, methods=["POST"])])
uvicorn.run(app, port={port}, loop="uvloop", http="httptools", log_level="error", access_log=False)
"""


class Connection:
    """One keep-alive connection that speaks just enough HTTP: a client library would be what is measured."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, path: str, body: bytes) -> bytes:
        self._writer.write(post(path, body))
        reply_head = await self._reader.readuntil(b"\r\n\r\n")
        assert b" 2" in reply_head[:12], reply_head.decode()
        length = next(
            int(line[15:]) for line in reply_head.lower().split(b"\r\n") if line.startswith(b"content-length:")
        )
        return await self._reader.readexactly(length)

    def close(self) -> None:
        self._writer.close()


async def enqueue_one_by_one(port: int, jobs: int = ENQUEUES) -> float:
    """Return enqueues a second from CONNECTIONS connections, each waiting for its answers."""
    with Crowd(port, CONNECTIONS) as crowd:
        return crowd.ask(ENQUEUE, jobs)


async def enqueue_in_bulk(port: int) -> float:
    """Return jobs a second from one connection that sends batches of BULK."""
    connection = await Connection.open(port)
    body = json.dumps({"atomic": False, "jobs": [json.loads(BODY)] * BULK}).encode()
    start = time.perf_counter()
    for _ in range(BULK_JOBS // BULK):
        await connection.post("/v1/jobs/batch", body)
    seconds = time.perf_counter() - start
    connection.close()
    return BULK_JOBS / seconds


def settle_and_lease(per_request: int) -> Callable[[int], Awaitable[float]]:
    """Return a measurement: jobs a second of one worker that settles and leases in one request and waits for each."""

    async def measure(port: int) -> float:
        connection, total = await Connection.open(port), LEASE_JOBS[per_request]
        queue = f"lease-{per_request}-{time.time_ns()}"
        job = {**json.loads(BODY), "queue": queue}
        for start_at in range(0, total, BULK):
            jobs = [job] * min(BULK, total - start_at)
            await connection.post("/v1/jobs/batch", json.dumps({"atomic": False, "jobs": jobs}).encode())
        done: list[dict[str, str]] = []
        finished = 0
        start = time.perf_counter()
        while finished < total:
            ask = {"queues": [queue], "max": per_request, "complete": done}
            reply = json.loads(await connection.post("/v1/leases", json.dumps(ask).encode()))
            finished += len(done)
            done = [{"op": "ack", "job_id": job["id"], "token": job["token"]} for job in reply["jobs"]]
        seconds = time.perf_counter() - start
        connection.close()
        return total / seconds

    return measure


def start_server(folder: str) -> tuple[subprocess.Popen[str], int]:
    """Start a server on an embedded store and return it with its port."""
    command = [sys.executable, "-m", "headrace", "server", "--port", "0", "--data-dir", folder]
    server = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, "HEADRACE_LOG_LEVEL": "warning"}
    )
    assert server.stderr is not None
    for line in server.stderr:
        if "listening on http://" in line:
            return server, int(line.rsplit(":", 1)[1])
    raise SystemExit("the server did not start")


def start_bare(port: int) -> subprocess.Popen[str]:
    """Start the bare application and return it when it answers."""
    bare = subprocess.Popen([sys.executable, "-c", BARE.replace("{port}", str(port))], text=True)
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return bare
        time.sleep(0.05)


async def compare(port: int, bare_port: int) -> None:
    """Measure everything in turn, ROUNDS times, and print medians."""
    cases: dict[str, tuple[Callable[[int], Awaitable[float]], int]] = {
        "bare Starlette, 64 connections (requests/s)": (enqueue_one_by_one, bare_port),
        "enqueue, 64 connections (jobs/s)": (enqueue_one_by_one, port),
        f"enqueue in bulk of {BULK} (jobs/s)": (enqueue_in_bulk, port),
        **{f"settle-and-lease of {n} (jobs/s)": (settle_and_lease(n), port) for n in LEASE_JOBS},
    }
    figures: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(ROUNDS):
        for name, (measure, at) in cases.items():
            figures[name].append(await measure(at))
    for name, values in figures.items():
        print(
            f"{name:48} median {statistics.median(values):>9,.0f}   min {min(values):>9,.0f}   max {max(values):>9,.0f}"
        )
    bare, ours = (statistics.median(values) for values in list(figures.values())[:2])
    print(f"{'enqueue / bare Starlette':48} ratio  {ours / bare:>9.2f}")


def describe_machine() -> str:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}"
    return f"{time.strftime('%Y-%m-%d')} commit {commit.strip()}, {machine}"


def main() -> None:
    print(describe_machine())
    with tempfile.TemporaryDirectory(prefix="hr-bench-") as folder:
        server, port = start_server(str(Path(folder) / "store"))
        bare_port = port + 1 if port < 65_535 else port - 1
        bare = start_bare(bare_port)
        try:
            asyncio.run(asyncio.wait_for(compare(port, bare_port), TIME_LIMIT_S))
        finally:
            for process in (bare, server):
                process.terminate()
                process.wait(20)


if __name__ == "__main__":
    main()
