"""How soon the least that a queue over HTTP can be hands a job on, beside how soon ours begins: a bound of latencies.

What a server sends to its store is recorded while jobs come one by one. Then a producer and a consumer speak to a relay
(bench/relay) over plain sockets: uvicorn and an application that reads nothing, writes for each job what was recorded,
and passes its bytes on when the store has answered. There a job counts when the consumer has it, ours when its task
begins.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from headrace import Client, State
from relay.tape import Commands, Job, Recorded

from comparison.bounds import check_done, taped
from comparison.heats import READY_S, WARM, Figures, Load, LostJobs, everything_done, paced, percentile
from comparison.installing import BENCH, Environment
from comparison.own import OURS, QUEUE
from comparison.processes import Service
from comparison.recording import function_of
from comparison.stage import stage
from comparison.stores import RedisStore, free_port, wait_until_open

RECORDED_RATE = 50.0  # jobs a second through a proxy, so slow that one is done before the next
QUIET_S = 0.5  # for what follows the last job of a recording: the worker's next poll
ENQUEUE, LEASE = b"headrace_enqueue_", b"headrace_lease_"  # names of functions, before their digests


def relay(environment: Environment, load: Load, rounds: int) -> Iterator[Figures]:
    """Measure the relay and the whole in turn."""
    recorded = record(environment, replace(load, rate=min(load.rate, RECORDED_RATE)))
    with stage(OURS, environment, "strict") as on, on.producer() as producer:
        on.start_worker()
        producer.ask("one", jobs=WARM, seconds=READY_S)
        everything_done(on, producer, WARM, READY_S)
        for number in range(rounds):
            figures = _middle_and_tail("relay", relayed(environment, recorded, load, check=number == 0))
            delays = paced(on, producer, load)
            yield figures | (_middle_and_tail("paced", delays) if delays else {})


def _middle_and_tail(name: str, delays_ms: Sequence[float]) -> Figures:
    return {f"{name}_p50": statistics.median(delays_ms), f"{name}_p99": percentile(list(delays_ms), 99)}


def record(environment: Environment, load: Load) -> Recorded:
    """Let a worker do jobs as they come, and keep what was sent to the store for each."""
    with taped(environment) as (on, tape), on.producer() as producer, Client(on.url) as client:
        on.start_worker()
        producer.ask("one", jobs=WARM, seconds=READY_S)
        everything_done(on, producer, WARM, READY_S)
        time.sleep(QUIET_S)
        setup = len(tape.commands)
        producer.ask("pace", jobs=WARM + load.paced, rate=load.rate)
        ends = 2 * WARM + load.paced
        if not on.wait(lambda: client.queue_stats(QUEUE).counts.get(State.SUCCEEDED, 0) >= ends, READY_S):
            raise LostJobs("the recorded jobs do not end")
        recorded = cut(tape.commands, setup)
    if len(recorded.jobs) != WARM + load.paced:
        raise LostJobs(
            f"{len(recorded.jobs)} of {WARM + load.paced} enqueues were recorded: are they other scripts now?"
        )
    return recorded


def cut(commands: Sequence[bytes], setup: int) -> Recorded:
    """Return what belongs to each job; the first `setup` commands came before all.

    A job's hand-over is its enqueue and the next lease. What else was sent until the next enqueue follows it, or, where
    it came between these two, the job before.
    """
    jobs: list[tuple[list[bytes], list[bytes]]] = []
    before = list(commands[:setup])
    for command in commands[setup:]:
        function = function_of(command)
        if function.startswith(ENQUEUE):
            jobs.append(([command], []))
        elif function.startswith(LEASE) and jobs and len(jobs[-1][0]) == 1:
            jobs[-1][0].append(command)
        elif jobs and len(jobs[-1][0]) > 1:
            jobs[-1][1].append(command)
        else:
            (jobs[-2][1] if len(jobs) > 1 else before).append(command)
    return Recorded(_joined(before), [Job(_joined(hand_over), _joined(rest)) for hand_over, rest in jobs])


def _joined(commands: Sequence[bytes]) -> Commands:
    return Commands(b"".join(commands), len(commands))


def relayed(environment: Environment, recorded: Recorded, load: Load, *, check: bool) -> list[float]:
    """Send the recorded jobs through a relay with a store of its own; return the ms from each job's sending to its end.

    Raises Ended, or LostJobs when the store did not do what it was told.
    """
    jobs = len(recorded.jobs)
    with tempfile.TemporaryDirectory(prefix="hr-bench-") as place, ExitStack() as last:
        folder = Path(place)
        store = RedisStore(folder, "strict")
        last.callback(store.end)
        recorded.write(folder / "tape")
        port = free_port()
        server = _start(folder, "server", port, store.port, folder / "tape")
        last.callback(server.end)
        wait_until_open(server, port)
        consumer = _start(folder, "ends", "consume", port, jobs)
        last.callback(consumer.end)
        producer = _start(folder, "ends", "produce", port, jobs, load.rate)
        last.callback(producer.end)
        found = json.loads(consumer.wait_for_line(r"\[.*\]", READY_S + 2 * jobs / load.rate)[0])
        if check:
            check_done(environment, store, folder, WARM + jobs)
    return [ns / 1e6 for ns in found[WARM:]]


def _start(folder: Path, module: str, *words: object) -> Service:
    argv = [sys.executable, "-m", f"relay.{module}", *map(str, words)]
    return Service(argv, folder / f"{module}-{words[0]}.log", {"PYTHONPATH": str(BENCH)})
