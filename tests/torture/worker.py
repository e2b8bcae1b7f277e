"""A worker of the torture: honest, slow, forgetful and lying by the dice; a process that the nemesis kills.

python -m tests.torture.worker SPEC.json
"""

import asyncio
import itertools
import json
import random
import secrets
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.torture.history import History, to_ms
from tests.torture.plan import BEAT_QUEUES, LEASE_MS, QUEUES, sha_of
from tests.torture.wire import Answer, Outcome, Wire

ALL_QUEUES = (*QUEUES, *BEAT_QUEUES)
SLOTS = 4
REPEAT_S = 0.1
REPEATS = 40  # then the lease has run out long ago


@dataclass(frozen=True)
class Spec:
    """What a worker process is told."""

    name: str
    urls: list[str]
    history: str
    seed: int
    calm: str  # from the moment this file exists it only does its work

    @property
    def is_calm(self) -> bool:
        return Path(self.calm).exists()


# What a worker does with one job, and how often. The rest is acked.
MISCHIEF = (("nack", 8), ("fail", 1), ("release", 4), ("snooze", 3), ("zombie", 4), ("forget", 1), ("forge", 3))
TRICKS = (("extend", 6), ("twice", 5), ("change_mind", 2))  # around a settle


class Worker:
    """Slots that lease and settle over one client."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._dice = random.Random(f"{spec.seed}-{spec.name}-{secrets.token_hex(4)}")
        self._wire = Wire(spec.urls, self._dice)
        self._history = History(Path(spec.history), spec.name)
        self._calls = itertools.count()
        self._later: set[asyncio.Task[None]] = set()
        self._stopping = False

    async def run(self) -> None:
        """Work until SIGTERM, then finish what is held."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop)
        async with asyncio.TaskGroup() as slots:
            for _ in range(SLOTS):
                slots.create_task(self._slot())
        await asyncio.gather(*self._later)
        await self._wire.close()

    def _stop(self) -> None:
        self._stopping = True

    async def _slot(self) -> None:
        complete: list[dict[str, Any]] = []
        while not self._stopping or complete:
            jobs, complete = await self._lease(complete)
            for job in jobs:
                complete += await self._handle(job)
            if complete and self._dice.random() < 0.5:
                await self._settle("/v1/completions", complete)
                complete = []

    async def _lease(self, complete: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Settle `complete` and lease in one request; return the jobs, and what must be settled again."""
        call = next(self._calls)
        key = f"{self._spec.name}-{secrets.token_hex(6)}" if self._dice.random() < 0.5 else None
        wait_ms = 0 if complete else self._dice.choice((0, 200, 1_000))
        ask: dict[str, Any] = {
            "queues": self._dice.sample(ALL_QUEUES, len(ALL_QUEUES)),
            "max": 0 if self._stopping else self._dice.randint(1, 20),
            "wait_ms": wait_ms,
            "lease_ms": self._dice.randint(*LEASE_MS),
            "worker": {"id": f"{self._spec.name}-{call}"},
        }
        if self._stopping:
            await self._settle("/v1/completions", complete)
            return [], []
        for _ in range(3):
            self._note_settles(call, complete)
            self._history.note("lease", call=call, key=key)
            answer = await self._wire.post("/v1/leases", {**ask, "complete": complete}, wait_s=wait_ms / 1000, key=key)
            self._note_leased(call, key, ask["lease_ms"], answer)
            self._note_settled(call, complete, answer, "completed")
            if answer.is_done:
                return answer.body["jobs"], _again(complete, answer.body["completed"])
            if key is None or answer.outcome is not Outcome.MAYBE:
                break
        await asyncio.sleep(REPEAT_S)
        return [], complete

    async def _handle(self, job: dict[str, Any]) -> list[dict[str, Any]]:
        """Do one job; return the settles that are still to be sent."""
        mood = "ack" if self._spec.is_calm else self._pick(MISCHIEF, "ack")
        if mood == "forget":
            return []
        if mood == "forge":
            await self._forge(job)
        if mood == "zombie":
            task = asyncio.create_task(self._settle_late(job))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
            return []
        await asyncio.sleep(self._dice.choice((0, 0, 0, 0.001, 0.01)))
        return await self._trick(job, self._item(job, mood))

    async def _trick(self, job: dict[str, Any], item: dict[str, Any]) -> list[dict[str, Any]]:
        trick = None if self._spec.is_calm else self._pick(TRICKS, None)
        if trick == "extend":
            extend = {"op": "extend", "job_id": job["id"], "token": job["token"], "lease_ms": 3_000}
            await self._settle_one(extend)
        if trick == "twice":
            await self._settle_one(item)
            await self._settle_one(item)
            return []
        if trick == "change_mind":
            await self._settle_one(item)
            await self._settle_one(self._item(job, "release" if item["op"] == "ack" else "ack"))
            return []
        if self._dice.random() < 0.3:
            await self._settle_one(item)
            return []
        return [item]

    def _item(self, job: dict[str, Any], mood: str) -> dict[str, Any]:
        """Return the settle of one job as an item of /v1/completions."""
        item: dict[str, Any] = {"op": "ack", "job_id": job["id"], "token": job["token"]}
        match mood:
            case "nack":
                again = {"retry_in_ms": self._dice.randint(0, 800)} if self._dice.random() < 0.5 else {}
                return {**item, "op": "nack", "error": {"type": "Sore", "message": "ouch"}, **again}
            case "fail":
                return {**item, "op": "nack", "error": {"type": "Dead", "message": "no"}, "retryable": False}
            case "release":
                return {**item, "op": "release", "reason": "tired"}
            case "snooze":
                return {**item, "op": "snooze", "delay_ms": self._dice.randint(1, 600)}
            case _:
                return {**item, "result": {"uid": _payload(job).get("uid")}}

    async def _settle_late(self, job: dict[str, Any]) -> None:
        """Go on with a job whose lease has run out."""
        left_ms = to_ms(job["deadline"]) - to_ms(job["server_time"])
        await asyncio.sleep((left_ms + self._dice.choice((-5, 0, 1, 50, 1_500, 4_000))) / 1000)
        await self._settle_one(self._item(job, self._dice.choice(("ack", "nack", "release"))))

    async def _forge(self, job: dict[str, Any]) -> None:
        """Settle with a token that nobody was given."""
        await self._settle_one({**self._item(job, "ack"), "token": secrets.token_hex(16)})

    async def _settle_one(self, item: dict[str, Any]) -> None:
        """Settle by the verb's own route, again until the answer is known."""
        body = {name: value for name, value in item.items() if name not in ("op", "job_id")}
        await self._settle(f"/v1/jobs/{item['job_id']}/{item['op']}", [item], body)

    async def _settle(self, path: str, items: list[dict[str, Any]], body: dict[str, Any] | None = None) -> None:
        for _ in range(REPEATS):
            if not items:
                return
            call = next(self._calls)
            self._note_settles(call, items)
            answer = await self._wire.post(path, {"items": items} if body is None else body)
            self._note_settled(call, items, answer, "items")
            if body is None and answer.is_done:
                items = _again(items, answer.body["items"])
            elif answer.is_done or answer.outcome is Outcome.REFUSED:
                return
            if items:
                await asyncio.sleep(REPEAT_S)

    def _pick(self, choices: tuple[tuple[str, int], ...], otherwise: Any) -> Any:
        roll = self._dice.randrange(100)
        for name, share in choices:
            roll -= share
            if roll < 0:
                return name
        return otherwise

    def _note_leased(self, call: int, key: str | None, lease_ms: int, answer: Answer) -> None:
        jobs: list[dict[str, Any]] = []
        facts: dict[str, Any] = {}
        if answer.is_done:
            for job in answer.body["jobs"]:
                job["server_time"] = answer.body["server_time"]
                jobs.append(_granted(job))
            facts["at_ms"] = to_ms(answer.body["server_time"])
        outcome, status = answer.outcome.value, answer.status
        self._history.note(
            "leased", call=call, key=key, lease_ms=lease_ms, outcome=outcome, status=status, jobs=jobs, **facts
        )

    def _note_settles(self, call: int, items: list[dict[str, Any]]) -> None:
        for item in items:
            asked = {name: item[name] for name in ("delay_ms", "retry_in_ms") if name in item}
            self._history.note("settle", call=call, op=item["op"], id=item["job_id"], token=item["token"], **asked)

    def _note_settled(self, call: int, items: list[dict[str, Any]], answer: Answer, name: str) -> None:
        body = answer.body if isinstance(answer.body, dict) else {}
        verdicts = body[name] if answer.is_done and name in body else [body] * len(items)
        for item, verdict in zip(items, verdicts, strict=True):
            known = answer.outcome is Outcome.REFUSED or answer.is_done
            word = verdict.get("code") if answer.outcome is Outcome.REFUSED else verdict.get("status")
            times = {f"{n}_ms": to_ms(verdict[n]) for n in ("run_at", "deadline") if n in verdict}
            if answer.is_done:
                times["at_ms"] = to_ms(body["server_time"])
            self._history.note(
                "settled",
                call=call,
                op=item["op"],
                id=item["job_id"],
                token=item["token"],
                outcome=answer.outcome.value,
                http=answer.status,
                status=word if known else None,
                state=verdict.get("state") if known else None,
                attempt=verdict.get("attempt") if known else None,
                is_exact=name == "items" and "items" not in body,
                told_to_end=bool(verdict.get("cancel_requested")),
                **times,
            )


def _again(items: list[dict[str, Any]], verdicts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items whose verdict is that the store did not, or may not have, taken them."""
    return [i for i, v in zip(items, verdicts, strict=True) if v["status"] in ("not_done", "unknown")]


def _payload(job: dict[str, Any]) -> dict[str, Any]:
    payload = job.get("payload")
    return payload if isinstance(payload, dict) else {}


def _granted(job: dict[str, Any]) -> dict[str, Any]:
    """Return what the history keeps of a lease; `intact`: the payload's own hash is that of its blob."""
    payload = _payload(job)
    return {
        "id": job["id"],
        "uid": payload.get("uid"),
        "sha": payload.get("sha"),
        "intact": sha_of(str(payload.get("blob"))) == payload.get("sha"),
        "schedule": job.get("schedule", {}).get("name"),
        "not_before_ms": payload.get("not_before_ms"),
        "token": job["token"],
        "fence": job["fence"],
        "attempt": job["attempt"],
        "delivery": job["delivery"],
        "deadline_ms": to_ms(job["deadline"]),
    }


if __name__ == "__main__":
    asyncio.run(Worker(Spec(**json.loads(Path(sys.argv[1]).read_text()))).run())
