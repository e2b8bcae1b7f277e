"""What a run does, drawn from its seed: jobs, groups of jobs, faults; pure."""

import hashlib
import random
from dataclasses import dataclass
from typing import Any, Final

from tests.torture.history import to_instant

NARROW: Final = "pain.narrow"
QUEUES: Final = ("pain.high", "pain.low", "pain", NARROW)
SHARES: Final = (3, 3, 3, 1)
# What operators set before anything begins. The narrow ones are small enough to be reached, and large enough to drain.
QUEUE_SETTINGS: Final = {NARROW: {"concurrency": 8}}
LIMITS: Final[dict[str, dict[str, Any]]] = {
    "hot": {"concurrency": 3},
    "slow": {"rate": {"count": 8, "per_ms": 1_000, "burst": 2}},
}
LIMIT_KEYS: Final = ("hot:a", "hot:a", "hot:b", "hot:b", "slow:a")
TAGS: Final = ("red", "blue")
# What comes by itself, each every second: all of its slots; the newest after an outage; one job at a time.
BEAT_QUEUES: Final = ("beat.all", "beat.newest", "beat.alone")
BEAT_EVERY_MS: Final = 1_000
BEATS: Final[dict[str, dict[str, Any]]] = {
    "all": {"catch_up": "all", "max_catch_up": 1_000},
    "newest": {"catch_up": "last"},
    "alone": {"catch_up": "all", "max_catch_up": 1_000, "overlap": "skip"},
}
LEASE_MS: Final = (1_500, 4_000)
DELAYED: Final = 0.1  # share of jobs that must not start before a time
UNKEYED: Final = 0.05  # share of enqueues without an Idempotency-Key: sent once, whatever comes back
GIVEN_UP: Final = 0.1  # share of failed enqueues that nobody repeats
GROUPED: Final = 0.3  # share of enqueues that are an atomic batch


@dataclass(frozen=True)
class Group:
    """Jobs of one request."""

    uids: tuple[int, ...]
    jobs: tuple[dict[str, Any], ...]
    key: str | None
    patient: bool  # repeat until it is known to be done

    @property
    def facts(self) -> dict[str, Any]:
        """What the history keeps of it."""
        return {
            "uids": self.uids,
            "shas": [job["payload"]["sha"] for job in self.jobs],
            "max_crashes": [job["max_crashes"] for job in self.jobs],
            "wishes": [wishes_of(job) for job in self.jobs],
        }


def plan_group(first: int, at_most: int, dice: random.Random, now_ms: int, run: str) -> Group:
    """Return the next request of a producer: jobs `first`, `first + 1`, ..."""
    size = min(at_most, dice.randint(2, 20)) if dice.random() < GROUPED else 1
    uids = tuple(range(first, first + size))
    [queue] = dice.choices(QUEUES, SHARES)
    jobs = tuple(plan_job(uid, queue, dice, now_ms) for uid in uids)
    if size == 1 and dice.random() < 0.1:  # one alone: a conflict refuses a whole group
        jobs[0]["unique"] = {"key": f"only-{dice.randrange(40)}", "on_conflict": dice.choice(("return", "reject"))}
    key = None if dice.random() < UNKEYED else f"{run}-{first}"
    return Group(uids, jobs, key, patient=dice.random() > GIVEN_UP)


def plan_beat(name: str, starts_ms: int) -> dict[str, Any]:
    """Return the schedule of a beat; its job's payload carries its own hash, as that of any other."""
    job = {"task": "beat", "queue": f"beat.{name}", "payload": {"blob": name, "sha": sha_of(name)}}
    job["retry"] = {"max_attempts": 3, "initial_ms": 100, "max_ms": 1_000}
    return {"every_ms": BEAT_EVERY_MS, "starts_at": to_instant(starts_ms), "job": job, **BEATS[name]}


def plan_job(uid: int, queue: str, dice: random.Random, now_ms: int) -> dict[str, Any]:
    """Return one job's request; its payload carries its own hash and, where delayed, its time."""
    blob = dice.randbytes(dice.randint(0, 600)).hex() + dice.choice(("", "é", "\u2028", "\U0001f300", '"\\'))
    payload: dict[str, Any] = {"uid": uid, "blob": blob, "sha": sha_of(blob)}
    job: dict[str, Any] = {"task": "hurt", "queue": queue, "priority": dice.choice((50, 100, 100, 200))}
    if dice.random() < DELAYED:
        payload["not_before_ms"] = now_ms + dice.randint(0, 4_000)
        job["run_at"] = to_instant(payload["not_before_ms"])
    job["payload"] = payload
    job["max_crashes"] = dice.choice((2, 5, 20, 20))
    job["retry"] = {"max_attempts": dice.choice((2, 3, 10)), "initial_ms": 100, "max_ms": 1_000}
    return job | _plan_lane(dice)


def _plan_lane(dice: random.Random) -> dict[str, Any]:
    """Return what makes some jobs wait for others: limits, turns and order."""
    wishes: dict[str, Any] = {}
    if dice.random() < 0.15:
        wishes["limits"] = sorted({dice.choice(LIMIT_KEYS) for _ in range(dice.choice((1, 1, 2)))})
    if dice.random() < 0.1:
        wishes |= {"fairness_key": f"tenant-{dice.randrange(5)}", "weight": dice.choice((1, 1, 3))}
    if dice.random() < 0.15:
        wishes["ordering_key"] = f"account-{dice.randrange(15)}"
    if dice.random() < 0.1:
        wishes["tags"] = {"colour": dice.choice(TAGS)}
    return wishes


def wishes_of(job: dict[str, Any]) -> dict[str, Any]:
    """Return what the judge must know of a job's request."""
    kept = ("queue", "priority", "limits", "fairness_key", "ordering_key", "unique", "run_at")
    return {name: job[name] for name in kept if name in job}


def sha_of(blob: str) -> str:
    """Return the hash that a payload carries of its blob."""
    return hashlib.sha256(blob.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Blow:
    """One fault."""

    role: str  # store, server, worker
    number: int  # which of them
    freeze_s: float  # 0: kill -9; else SIGSTOP, and SIGCONT after that long
    before_s: float  # pause before it


def plan_blows(kills: int, *, servers: int, workers: int, dice: random.Random, pace_s: float) -> list[Blow]:
    """Return the faults of a run: kills, a third for each role, and a freeze for every fourth of them.

    The pauses are `pace_s` on average.
    """

    def blow(n: int, *, freeze: bool) -> Blow:
        role = ("store", "server", "worker")[n % 3]
        number = dice.randrange({"store": 1, "server": servers, "worker": workers}[role])
        longest = {"store": 1.5, "server": 2.0, "worker": 5.0}[role]  # a worker must outsleep its leases
        freeze_s = dice.uniform(0.1, longest) if freeze else 0.0
        return Blow(role, number, freeze_s, dice.uniform(0.0, 2 * pace_s))

    blows = [blow(n, freeze=False) for n in range(kills)] + [blow(n, freeze=True) for n in range(kills // 4)]
    dice.shuffle(blows)
    return blows
