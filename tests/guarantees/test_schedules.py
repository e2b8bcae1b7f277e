"""G19: each slot of a schedule gets one job, while the servers that fire it are killed, stopped and let go on."""

import itertools
import signal
import time
from collections import Counter
from threading import Event

from tests.guarantees.cluster import Caller, Cluster, Document, at_once
from tests.support.waiting import eventually
from tests.torture.history import to_ms

SCHEDULES = 25
SLOTS = 12  # of each, so 300 in all; the history keeps 20
SECOND_MS = 1_000
STOPPED_S = 0.7


def trouble(cluster: Cluster, over: Event) -> int:
    """Kill and stop servers in turn; one of three is always well. Return how often."""
    for times, server in enumerate(itertools.cycle(cluster.servers)):
        if over.is_set():
            return times
        if times % 4 == 3:
            server.kill9()
            server.start()
        else:
            server.child.signal(signal.SIGSTOP)
            over.wait(STOPPED_S)
            server.child.signal(signal.SIGCONT)
    raise AssertionError("never")


def put(caller: Caller, name: str, queue: str, **more: object) -> None:
    body = {"every_ms": SECOND_MS, "catch_up": "all", "job": {"task": name, "queue": queue, "payload": name}, **more}
    caller.do("PUT", f"schedules/{name}", body)


def jobs_of(caller: Caller, queue: str) -> list[Document]:
    """Return all jobs of a queue."""
    found: list[Document] = []
    cursor: str | None = None
    while True:
        more = f"&cursor={cursor}" if cursor else ""
        page = caller.do("GET", f"jobs?queue={queue}&limit=200{more}")
        found += page["jobs"]
        cursor = page.get("cursor")
        if cursor is None:
            return found


def well(cluster: Cluster) -> Caller:
    """Return a client of a server that answers."""
    return next(caller for caller in cluster.callers if caller.ask("GET", "server").is_success)


def test_g19_each_slot_gets_one_job(frail_three: Cluster, queue: str) -> None:
    begun_ms = frail_three.now_ms()
    ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begun_ms // 1000 + 3 + SLOTS))
    starts = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begun_ms // 1000 + 4))
    names = [f"s{number:02}" for number in range(SCHEDULES)]
    for name in names:
        put(frail_three.any, name, queue, starts_at=starts, ends_at=ends)
    over = Event()
    with at_once(1) as pool:
        nemesis = pool.submit(trouble, frail_three, over)
        try:
            last_ms = to_ms(ends.replace("Z", ".000Z"))
            eventually(lambda: frail_three.now_ms() > last_ms, SLOTS + 15.0, "all slots have passed")
        finally:
            over.set()
        assert nemesis.result() >= 6
    caller = well(frail_three)
    records = {name: caller.do("GET", f"schedules/{name}") for name in names}
    for name in names:
        eventually(
            lambda name=name: caller.do("GET", f"schedules/{name}")["state"] == "ended", 15.0, f"{name} has ended"
        )
        records[name] = caller.do("GET", f"schedules/{name}")
    grid = [to_ms(starts.replace("Z", ".000Z")) + SECOND_MS * number for number in range(SLOTS)]
    for name, record in records.items():
        assert sorted(to_ms(run["slot"]) for run in record["runs"]) == grid, name
        assert (record["fired"], record["missed"]) == (SLOTS, 0)
    jobs = jobs_of(caller, queue)
    assert Counter(job["task"] for job in jobs) == dict.fromkeys(names, SLOTS)
    assert {job["id"] for job in jobs} == {run["job_id"] for record in records.values() for run in record["runs"]}


def test_g19_slots_come_in_time_while_a_server_stands_still(frail_three: Cluster, queue: str) -> None:
    """A worker waits all the time; nine of ten jobs are there a quarter of a second after their slot."""
    stopped = frail_three.servers[0]
    put(frail_three.callers[1], "s", queue)
    stopped.child.signal(signal.SIGSTOP)
    try:
        late: list[int] = []
        while len(late) < 10:
            late += [lease.at_ms % SECOND_MS for lease in frail_three.callers[2].lease(queue, max=9, wait_ms=3_000)]
        assert sorted(late)[len(late) * 9 // 10 - 1] <= 250
    finally:
        stopped.child.signal(signal.SIGCONT)
