"""What is measured of one contestant on one stage; a heat returns figures by name."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from comparison.installing import Environment
from comparison.processes import Ended
from comparison.roster import Contestant
from comparison.stage import Producer, Stage, stage

Figures = dict[str, float]
BATCH = 500  # jobs of one bulk call
WARM = 20  # jobs before anything counts
READY_S = 60.0  # for a worker to start
QUIET_S = 1.0  # from the last job until idleness is measured
SETTLED_S = 20.0  # for what was started to be acknowledged


@dataclass(frozen=True)
class Load:
    """How much is done."""

    jobs: int  # of one drain, at most
    seconds: float  # of one enqueueing or draining, at most
    rate: float  # jobs a second for latency
    paced: int  # jobs for latency
    idle_s: float


class LostJobs(Exception):
    """A queue did not do what it was given."""


def fill_and_drain(contestant: Contestant, environment: Environment, settings: str, load: Load) -> Figures:
    """Enqueue one by one and in bulk without a worker, then start one and let it work."""
    with stage(contestant, environment, settings) as on, on.producer() as producer:
        producer.ask("one", jobs=WARM, seconds=load.seconds)
        empty = on.store.used()
        figures, jobs = enqueue(contestant, producer, load)
        figures["bytes_waiting"] = (on.store.used() - empty) / jobs
        figures |= drain(on, producer, WARM + jobs, load.seconds)
        if figures["drained"] == WARM + jobs:
            figures["bytes_finished"] = (on.store.used() - empty) / jobs
        return figures


def enqueue(contestant: Contestant, producer: Producer, load: Load) -> tuple[Figures, int]:
    """Enqueue for a while in each form; return the rates, and how many jobs there are."""
    one = producer.ask("one", jobs=load.jobs // 2, seconds=load.seconds / 2)
    figures = {"enqueue_one": one["jobs"] / one["seconds"]}
    if not contestant.bulk:
        return figures, int(one["jobs"])
    rest = max(BATCH, load.jobs - int(one["jobs"]))
    many = producer.ask("many", jobs=rest, seconds=load.seconds / 2, batch=min(BATCH, rest))
    figures["enqueue_bulk"] = many["jobs"] / many["seconds"]
    return figures, int(one["jobs"] + many["jobs"])


def drain(on: Stage, producer: Producer, jobs: int, limit_s: float) -> Figures:
    """Start a worker on what waits; return the rate from the first start to the last end, or of `limit_s` seconds."""
    worker = on.start_worker()
    if not on.wait(lambda: on.tally.count() > 0, READY_S):
        raise Ended(f"the worker does not begin: {worker.log.read_text(errors='replace')[-1000:]}")
    first, begun = on.tally.count(), time.monotonic()
    if on.wait(lambda: on.tally.count() >= jobs, limit_s):
        settle(on, producer, jobs)
    done, seconds = min(on.tally.count(), jobs), time.monotonic() - begun
    return {"drain": (done - first) / seconds, "drained": done, "repeated": on.tally.count() - done}


def settle(on: Stage, producer: Producer, jobs: int) -> None:
    """Wait until nothing that was started is unacknowledged; raises LostJobs."""
    if not on.wait(lambda: not producer.ask("left")["left"], SETTLED_S):
        raise LostJobs(f"{on.contestant.name}: {producer.ask('left')['left']:.0f} of {jobs} jobs are left")


def idle_and_paced(contestant: Contestant, environment: Environment, settings: str, load: Load) -> Figures:
    """Let a worker wait for jobs: what it costs, how soon it starts them, and how it keeps up with a fast producer."""
    with stage(contestant, environment, settings) as on, on.producer() as producer:
        on.start_worker()
        producer.ask("one", jobs=WARM, seconds=READY_S)
        everything_done(on, producer, WARM, READY_S)
        figures = idle(on, load.idle_s)
        delays = paced(on, producer, load)
        if not delays:
            return figures  # nor is there a sense in a fast producer
        figures |= {"latency_p50": statistics.median(delays), "latency_p99": percentile(delays, 99)}
        return figures | together(on, producer, load)


def paced(on: Stage, producer: Producer, load: Load) -> list[float]:
    """Enqueue at a rate while the worker waits; return the ms from each job's enqueue to its start.

    Returns none where so many jobs a second are too many: a delay would only tell how long we looked.
    """
    before = on.tally.count()
    producer.ask("pace", jobs=load.paced, rate=load.rate)
    if not on.wait(lambda: on.tally.count() >= before + load.paced, load.seconds):
        return []
    settle(on, producer, before + load.paced)
    return on.tally.delays_ms(before)


def idle(on: Stage, seconds: float) -> Figures:
    """Return what worker and server take while there is nothing to do."""
    services = [service for service in (on.worker, on.server) if service is not None]
    time.sleep(QUIET_S)
    cpu_s, before, begun = sum(s.cpu_s() for s in services), on.store.work(), time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - begun
    commands, reads = (max(0, now - then - 1) / passed for now, then in zip(on.store.work(), before, strict=True))
    return {
        "idle_cpu": 100 * (sum(s.cpu_s() for s in services) - cpu_s) / passed,
        "idle_commands": commands,
        "idle_reads": reads,
        "memory_worker": on.worker.memory() if on.worker else 0,
        **({"memory_server": on.server.memory()} if on.server else {}),
    }


def together(on: Stage, producer: Producer, load: Load) -> Figures:
    """Enqueue in the fastest form while the worker works; return the rate from the first enqueue to the last end."""
    before, begun = on.tally.count(), time.monotonic()
    if on.contestant.bulk:
        made = producer.ask("many", jobs=load.jobs, seconds=load.seconds / 2, batch=min(BATCH, load.jobs))
    else:
        made = producer.ask("one", jobs=load.jobs, seconds=load.seconds / 2)
    if on.wait(lambda: on.tally.count() >= before + made["jobs"], load.seconds):
        settle(on, producer, int(made["jobs"]))
    done, seconds = on.tally.count() - before, time.monotonic() - begun
    return {"together": min(done, made["jobs"]) / seconds}


def everything_done(on: Stage, producer: Producer, jobs: int, limit_s: float) -> None:
    """Wait until so many jobs were started and all acknowledged; raises LostJobs."""
    if not on.wait(lambda: on.tally.count() >= jobs, limit_s):
        raise LostJobs(f"{on.contestant.name}: {on.tally.count()} of {jobs} jobs were started in {limit_s:.0f} s")
    settle(on, producer, jobs)


def percentile(values: list[float], percent: int) -> float:
    """Return what one in so many exceeds."""
    return statistics.quantiles(values, n=100)[percent - 1] if len(values) > 1 else values[0]


Heat = Callable[[Contestant, Environment, str, Load], Figures]
HEATS: dict[str, Heat] = {"throughput": fill_and_drain, "waiting": idle_and_paced}
