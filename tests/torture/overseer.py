"""The operators of a run: cancel, redrive, delete, pause, hold back and look, while everything is being struck."""

import asyncio
import itertools
import random
from collections.abc import Callable, Coroutine
from typing import Any

from tests.torture.history import History
from tests.torture.plan import LIMITS, QUEUE_SETTINGS, QUEUES
from tests.torture.wire import Answer, Outcome, Wire

PACE_S = 0.02
REPEAT_S = 0.1
SHARES = (("cancel", 10), ("retry", 6), ("delete", 2), ("pause", 1), ("backoff", 2), ("look", 3))


class Overseer:
    """One operator, who does one thing after the other."""

    def __init__(self, wire: Wire, history: History, dice: random.Random, known_ids: Callable[[], list[str]]) -> None:
        """`known_ids` returns ids of jobs that were acknowledged, the newest last."""
        self._wire = wire
        self._history = history
        self._dice = dice
        self._known_ids = known_ids
        self._numbers = itertools.count()
        self._calm = False

    async def set_up(self) -> None:
        """Set queues and limits; returns when all of it is known to be done."""
        for queue, settings in QUEUE_SETTINGS.items():
            await self._until_done("PUT", f"/v1/queues/{queue}", settings)
        for limit, settings in LIMITS.items():
            await self._until_done("PUT", f"/v1/limits/{limit}", settings)

    async def run(self) -> None:
        """Do this and that until `stop`, then let everything go on."""
        acts: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "cancel": self._cancel,
            "retry": self._retry,
            "delete": self._delete,
            "pause": self._pause,
            "backoff": self._back_off,
            "look": self._look,
        }
        names, shares = zip(*SHARES, strict=True)
        while not self._calm:
            [name] = self._dice.choices(names, shares)
            await acts[name]()
            await asyncio.sleep(self._dice.uniform(0, 2 * PACE_S))
        for queue in QUEUES:
            await self._resume(queue)

    def stop(self) -> None:
        """Finish what is being done, and do no more."""
        self._calm = True

    async def _steer(
        self, verb: str, about: str, path: str, body: dict[str, Any] | None, *, method: str = "POST"
    ) -> Answer:
        number = next(self._numbers)
        facts = {"n": number, "verb": verb, "about": about}
        self._history.note("steer", options=body or {}, **facts)
        answer = await self._wire.send(method, path, body)
        document = answer.body if isinstance(answer.body, dict) else {}
        kept = ("state", "fence", "run", "paused_until", "held_until")
        doc = {name: document[name] for name in kept if name in document} if answer.is_done else {}
        code = document.get("code") if answer.outcome is Outcome.REFUSED else None
        outcome, status = answer.outcome.value, answer.status
        self._history.note("steered", outcome=outcome, status=status, code=code, doc=doc, **facts)
        return answer

    async def _cancel(self) -> None:
        if ids := self._known_ids():
            job_id = self._dice.choice(ids[-self._dice.choice((20, 20, 200, len(ids))) :])  # new ones wait, or are held
            mode = self._dice.choice(("soft", "soft", "hard"))
            await self._steer("cancel", job_id, f"/v1/jobs/{job_id}/cancel", {"mode": mode, "reason": "because"})

    async def _retry(self) -> None:
        for job_id in await self._some("dead"):
            await self._steer("retry", job_id, f"/v1/jobs/{job_id}/retry", None)

    async def _delete(self) -> None:
        for job_id in await self._some("succeeded"):
            await self._steer("delete", job_id, f"/v1/jobs/{job_id}", None, method="DELETE")

    async def _some(self, state: str) -> list[str]:
        """Return up to two jobs in a state, from one page."""
        queue = self._dice.choice(QUEUES)
        answer = await self._wire.get(f"/v1/jobs?queue={queue}&state={state}&limit=20")
        ids = [job["id"] for job in answer.body["jobs"]] if answer.is_done else []
        return self._dice.sample(ids, min(2, len(ids)))

    async def _pause(self) -> None:
        """Pause a queue for a while: it resumes by itself, or somebody resumes it."""
        queue, length_s = self._dice.choice(QUEUES), self._dice.uniform(0.05, 0.4)
        by_itself = self._dice.random() < 0.5
        body = {"for_ms": int(length_s * 1000)} if by_itself else None
        answer = await self._steer("pause", queue, f"/v1/queues/{queue}/pause", body)
        if by_itself or answer.outcome not in (Outcome.DONE, Outcome.MAYBE):
            return
        await asyncio.sleep(length_s)
        await self._resume(queue)

    async def _resume(self, queue: str) -> None:
        while not (await self._steer("resume", queue, f"/v1/queues/{queue}/resume", None)).is_done:
            await asyncio.sleep(REPEAT_S)

    async def _back_off(self) -> None:
        limit = self._dice.choice((*LIMITS, "hot:a"))
        body = {"for_ms": self._dice.randrange(0, 300)}
        await self._steer("backoff", limit, f"/v1/limits/{limit}/backoff", body)

    async def _look(self) -> None:
        """Read what operators read; what is wrong with it, tests elsewhere tell: here it must be no 500."""
        ids = self._known_ids()
        paths = ["/v1/limits", "/v1/jobs?tag=colour:red&limit=50", "/v1/jobs?task=none&limit=5", "/v1/queues"]
        if ids:
            job_id = self._dice.choice(ids)
            paths += [f"/v1/jobs/{job_id}/explain", f"/v1/jobs/{job_id}/attempts"]
        path = self._dice.choice(paths)
        answer = await self._wire.get(path)
        self._history.note("looked", path=path, outcome=answer.outcome.value, status=answer.status)

    async def _until_done(self, method: str, path: str, body: dict[str, Any]) -> None:
        while not (await self._wire.send(method, path, body)).is_done:
            await asyncio.sleep(REPEAT_S)
