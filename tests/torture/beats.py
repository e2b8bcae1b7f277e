"""What comes by itself during a run: schedules that are put before the first blow, and read when all is quiet."""

import asyncio
from typing import Any

from tests.torture.history import History, to_ms
from tests.torture.plan import BEAT_EVERY_MS, BEATS, plan_beat
from tests.torture.wire import Wire

REPEAT_S = 0.1
CAUGHT_UP_S = 60.0


class Beats:
    """The schedules of one run."""

    def __init__(self, wire: Wire, history: History) -> None:
        self._wire = wire
        self._history = history
        self._records: dict[str, dict[str, Any]] = {}

    async def set_up(self) -> None:
        """Put all of them; returns when they are known to be there."""
        now_ms = to_ms((await self._done("GET", "/v1/server"))["server_time"])
        for name in BEATS:
            self._history.note("scheduled", name=name)
            await self._done("PUT", f"/v1/schedules/{name}", plan_beat(name, now_ms - now_ms % 1_000 + BEAT_EVERY_MS))

    async def stop(self) -> None:
        """Wait until no slot is overdue, and pause them: a pause makes up for nothing."""
        for name in BEATS:
            async with asyncio.timeout(CAUGHT_UP_S):
                while not _is_caught_up(await self._done("GET", f"/v1/schedules/{name}")):
                    await asyncio.sleep(REPEAT_S)
            self._records[name] = await self._done("POST", f"/v1/schedules/{name}/pause")

    def tell(self, listed: dict[str, Any]) -> None:
        """Note what they have done, now that their jobs have ended; `listed`: all jobs by their ids."""
        for name, record in self._records.items():
            jobs = [_job(job_id, job) for job_id, job in listed.items() if job.get("schedule", {}).get("name") == name]
            self._history.note(
                "beat",
                name=name,
                every_ms=record["every_ms"],
                first_ms=to_ms(record["starts_at"]),
                last_ms=to_ms(record["last_at"]) if "last_at" in record else None,
                fired=record["fired"],
                missed=record["missed"],
                catch_up=record["catch_up"],
                overlap=record["overlap"],
                jobs=jobs,
            )

    async def _done(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        while not (answer := await self._wire.send(method, path, body)).is_done:
            await asyncio.sleep(REPEAT_S)
        document: dict[str, Any] = answer.body
        return document


def _is_caught_up(record: dict[str, Any]) -> bool:
    return to_ms(record["next_at"]) > to_ms(record["server_time"])


def _job(job_id: str, job: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": job_id,
        "slot_ms": to_ms(job["schedule"]["slot"]),
        "state": job["state"],
        "enqueued_ms": to_ms(job["enqueued_at"]),
        "finished_ms": to_ms(job["finished_at"]) if "finished_at" in job else None,
    }
