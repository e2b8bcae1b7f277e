"""What comes by itself during a run: schedules that are put before the first blow, and read when all is quiet."""

import asyncio
import time
from typing import Any, TypeAlias

from tests.torture.history import History, to_ms
from tests.torture.plan import BEAT_EVERY_MS, BEATS, plan_beat
from tests.torture.wire import Wire

REPEAT_S = 0.1
CAUGHT_UP_S = 60.0
Record: TypeAlias = dict[str, Any]


class Beats:
    """The schedules of one run."""

    def __init__(self, wire: Wire, history: History) -> None:
        self._wire = wire
        self._history = history
        self._records: dict[str, Record | None] = {}

    async def set_up(self) -> None:
        """Put all of them; returns when they are known to be there."""
        server = await self._done("GET", "/v1/server")
        assert server is not None, "there is always a server"
        now_ms = to_ms(server["server_time"])
        for name in BEATS:
            self._history.note("scheduled", name=name)
            await self._done("PUT", f"/v1/schedules/{name}", plan_beat(name, now_ms - now_ms % 1_000 + BEAT_EVERY_MS))

    async def stop(self) -> None:
        """Wait until no slot is overdue, and pause them: a pause makes up for nothing."""
        for name in BEATS:
            end = time.monotonic() + CAUGHT_UP_S
            while not (is_caught_up := _is_caught_up(await self._read(name))) and time.monotonic() < end:
                await asyncio.sleep(REPEAT_S)
            self._records[name] = await self._done("POST", f"/v1/schedules/{name}/pause")
            if not is_caught_up:
                self._history.note(
                    "beat_trouble", name=name, text=f"slots are overdue after {CAUGHT_UP_S:g} s of quiet"
                )

    def tell(self, listed: dict[str, Any]) -> None:
        """Note what they have done, now that their jobs have ended; `listed`: all jobs by their ids."""
        for name, record in self._records.items():
            if record is None:
                self._history.note("beat_trouble", name=name, text="the schedule is gone")
                continue
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

    async def _read(self, name: str) -> Record | None:
        return await self._done("GET", f"/v1/schedules/{name}")

    async def _done(self, method: str, path: str, body: Record | None = None) -> Record | None:
        """Ask until there is an answer; None: there is no such schedule, as a store that forgets would have it."""
        while (answer := await self._wire.send(method, path, body)).status != 404:
            if answer.is_done:
                document: Record = answer.body
                return document
            await asyncio.sleep(REPEAT_S)
        return None


def _is_caught_up(record: Record | None) -> bool:
    return record is None or to_ms(record["next_at"]) > to_ms(record["server_time"])


def _job(job_id: str, job: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": job_id,
        "slot_ms": to_ms(job["schedule"]["slot"]),
        "state": job["state"],
        "enqueued_ms": to_ms(job["enqueued_at"]),
        "finished_ms": to_ms(job["finished_at"]) if "finished_at" in job else None,
    }
