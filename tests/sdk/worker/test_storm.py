"""Kills of everything at once, in a seeded order: all jobs end well, and what is counted is what happened."""

import os
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

from headrace import Client, NewJob, RetryPolicy, State

from tests.sdk.worker.conftest import MakeWorker, WorkerProcess, ended
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

JOBS = 1_500
BLOWS = 15
SEED = 7
PATIENT = RetryPolicy(max_attempts=100, initial_ms=20, max_ms=200)


class Storm:
    """Who can be hit, and how."""

    def __init__(self, server: ServerProcess, make_worker: Callable[[], WorkerProcess]) -> None:
        self.server = server
        self.make_worker = make_worker
        self.workers = [make_worker(), make_worker()]

    def kill_server(self, _: random.Random) -> None:
        self.server.kill9()
        self.server.start()

    def kill_supervisor(self, dice: random.Random) -> None:
        place = dice.randrange(len(self.workers))
        self.workers[place].process.kill9()
        self.workers[place] = self.make_worker()

    def kill_child(self, dice: random.Random) -> None:
        for pid in dice.choice(self.workers).children:
            os.kill(pid, signal.SIGKILL)

    def restart_worker(self, dice: random.Random) -> None:
        place = dice.randrange(len(self.workers))
        assert self.workers[place].terminate() == 0
        self.workers[place] = self.make_worker()

    def freeze_worker(self, dice: random.Random) -> None:
        """For longer than a lease: it comes back as a zombie, and must find out."""
        worker = dice.choice(self.workers)
        worker.process.signal(signal.SIGSTOP)
        time.sleep(1.3)  # the fault itself, not a wait for luck: the leases are 1 s long
        worker.process.signal(signal.SIGCONT)


def test_every_job_ends_well_in_a_storm(
    make_server: Callable[..., ServerProcess], queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    """G1, G6, G12, G14, G22, G25, with real workers."""
    server = make_server()
    traces = tmp_path / "traces"
    dice = random.Random(SEED)
    with Client(server.url) as client:
        flags = ("--processes", "2", "--threads", "2", "--log-level", "info")
        storm = Storm(server, lambda: make_worker(server.url, *flags))
        jobs = []
        for blow in range(BLOWS):
            new = [
                NewJob(
                    task="mark",
                    payload=[str(traces), str(blow * JOBS // BLOWS + n)],
                    queue=queue,
                    lease_ms=1_000,
                    max_crashes=100,
                    retry=PATIENT,
                )
                for n in range(JOBS // BLOWS)
            ]
            jobs += client.enqueue_batch(new, atomic=False).jobs
            hit = dice.choice(
                [storm.kill_server, storm.kill_supervisor, storm.kill_child, storm.restart_worker, storm.freeze_worker]
            )
            hit(dice)
        eventually(lambda: client.queue_stats(queue).counts[State.SUCCEEDED] == JOBS, 60.0, "all jobs succeed")
        for job in jobs:
            finished = ended(client, job.id)
            # a lease may count as both: it ran out, and its late nack was taken
            assert finished.delivery >= max(finished.attempt, finished.crashes), "each run and each crash had its lease"
            assert finished.crashes <= BLOWS, "a blow costs a job one lease at most"
        for worker in storm.workers:
            assert worker.terminate() == 0
    ran = [int(number) for number in traces.read_text().split()]
    assert set(ran) == set(range(JOBS))
