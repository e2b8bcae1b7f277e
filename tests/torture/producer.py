"""Enqueues the jobs of a run, as fast as the blows allow: each blow releases its share, so that all fall under load."""

import asyncio
import random
import time
from typing import Any

from tests.torture.history import History
from tests.torture.plan import Group, plan_group
from tests.torture.wire import Answer, Outcome, Wire

PRODUCERS = 8
REPEAT_S = 0.1


class Producer:
    """All producers of a run, tasks of one process that is never killed."""

    def __init__(self, wire: Wire, history: History, jobs: int, dice: random.Random, run: str) -> None:
        self._wire = wire
        self._history = history
        self._jobs = jobs
        self._dice = dice
        self._run = run
        self._next = 0
        self._released = 0
        self._may_go = asyncio.Event()
        self.ids: list[str] = []  # of everything acknowledged, the newest last; some twice

    def release(self, share: float) -> None:
        """Let go until `share` (0..1) of all jobs is planned."""
        self._released = max(self._released, round(self._jobs * share))
        self._may_go.set()

    @property
    def progress(self) -> float:
        """The share of jobs planned so far."""
        return self._next / self._jobs

    async def run(self) -> None:
        """Enqueue everything; returns when nothing is left to repeat."""
        async with asyncio.TaskGroup() as group:
            for _ in range(PRODUCERS):
                group.create_task(self._produce())

    async def _produce(self) -> None:
        while self._next < self._jobs:
            if self._next >= self._released:
                self._may_go.clear()
                await self._may_go.wait()
                continue
            left = min(self._jobs, self._released) - self._next
            planned = plan_group(self._next, left, self._dice, time.time_ns() // 1_000_000, self._run)
            self._next += len(planned.uids)
            await self._enqueue(planned)

    async def _enqueue(self, group: Group) -> None:
        while True:
            self._history.note("enqueue", **group.facts)
            answer = await self._send(group)
            self._note_answer(group, answer)
            if answer.outcome in (Outcome.DONE, Outcome.REFUSED) or group.key is None or not group.patient:
                break
            await asyncio.sleep(REPEAT_S)
        if answer.is_done and group.key is not None and self._dice.random() < 0.02:
            await self._misuse_key(group)

    async def _send(self, group: Group) -> Answer:
        if len(group.jobs) == 1:
            return await self._wire.post("/v1/jobs", group.jobs[0], key=group.key)
        return await self._wire.post("/v1/jobs/batch", {"jobs": group.jobs}, key=group.key)

    def _note_answer(self, group: Group, answer: Answer) -> None:
        facts: dict[str, Any] = {"ids": []}
        if answer.is_done:
            found = answer.body.get("jobs", [answer.body])
            facts = {"ids": [job["id"] for job in found], "own": list(map(_is_own, group.uids, found))}
            self.ids.extend(job_id for job_id, own in zip(*facts.values(), strict=True) if own)
        elif answer.outcome is Outcome.REFUSED:
            facts |= {"code": answer.body["code"], "holder": answer.body.get("job_id")}
        outcome, status = answer.outcome.value, answer.status
        self._history.note("enqueued", uids=group.uids, outcome=outcome, status=status, **facts)

    async def _misuse_key(self, group: Group) -> None:
        """Send another request under a key that was used: it must be refused."""
        other = {**group.jobs[0], "priority": 1}
        answer = await self._wire.post("/v1/jobs", other, key=group.key)
        code = answer.body.get("code") if isinstance(answer.body, dict) else None
        self._history.note("misused", uids=group.uids, outcome=answer.outcome.value, status=answer.status, code=code)


def _is_own(uid: int, job: dict[str, Any]) -> bool:
    """Return whether an answer tells of the job that was asked for, not of one that has its unique key."""
    return "payload" not in job or job["payload"]["uid"] == uid
