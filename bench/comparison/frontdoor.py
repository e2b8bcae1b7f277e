"""Single enqueues of many clients over HTTP: against an application that stores nothing, and with two processes."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from crowd import Crowd
from http_throughput import BARE, CONNECTIONS, ENQUEUE

from comparison.goals import CORES_FOR_TWO
from comparison.heats import Figures
from comparison.installing import Environment
from comparison.own import OURS, Rounds
from comparison.processes import Service
from comparison.stage import stage
from comparison.stores import RedisStore, free_port, port_of, wait_until_open

WARM = 640


def starlette(environment: Environment, jobs: int, rounds: int) -> Iterator[Figures]:
    """Enqueue from 64 connections at a server and at a bare Starlette, both on one core; the rest has the others."""
    with stage(OURS, environment, "strict") as on, bare(on.folder / "bare.log") as (service, port):
        assert on.server is not None
        with _pinned(on.server, service, elsewhere=on.store):
            for _ in range(rounds):
                yield {"single_bare": _rate(port, jobs), "single_64": _rate(port_of(on.url), jobs)}


def processes(environment: Environment, jobs: int, rounds: Rounds) -> Iterator[Figures]:
    """Enqueue from 64 connections at one server process, and at two."""
    with (
        stage(OURS, environment, "strict", server_flags=("--processes", "1")) as one,
        stage(OURS, environment, "strict", server_flags=("--processes", "2")) as two,
    ):
        for _ in range(rounds.judged if (os.cpu_count() or 1) >= CORES_FOR_TWO else rounds.full):
            yield {"processes_1": _rate(port_of(one.url), jobs), "processes_2": _rate(port_of(two.url), jobs)}


@contextlib.contextmanager
def bare(log: Path) -> Iterator[tuple[Service, int]]:
    """Serve the same path by Starlette and uvicorn alone: the body is decoded, and forgotten."""
    port = free_port()
    service = Service([sys.executable, "-c", BARE.replace("{port}", str(port))], log)
    try:
        wait_until_open(service, port)
        yield service, port
    finally:
        service.end()


def _rate(port: int, jobs: int) -> float:
    with Crowd(port, CONNECTIONS) as crowd:
        crowd.ask(ENQUEUE, WARM)
        return crowd.ask(ENQUEUE, jobs)


@contextlib.contextmanager
def _pinned(*services: Service, elsewhere: object) -> Iterator[None]:
    """Keep these on the last core, and the load and the store off it; nothing where there is a single one."""
    cores = os.sched_getaffinity(0)
    if len(cores) > 1:
        last = max(cores)
        for service in services:
            service.bind({last})
        if isinstance(elsewhere, RedisStore):
            elsewhere.service.bind(cores - {last})
        os.sched_setaffinity(0, cores - {last})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
