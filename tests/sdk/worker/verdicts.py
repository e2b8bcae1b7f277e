"""An app whose tasks say how their runs end, and whose hooks note what they hear; imported by workers and tests."""

import asyncio
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from headrace import App, BoundTask, Cancelled, Discard, Reject, Request, Retry, Snooze, current

app = App()
NOTES: ContextVar[Path | None] = ContextVar("notes", default=None)


class Busy(Exception):
    pass


class Wrong(Exception):
    pass


def note(line: str) -> None:
    path = NOTES.get()
    if path is not None:
        with path.open("a") as out:
            out.write(line + "\n")


@app.on("before_task")
def begin(request: Request) -> None:
    file = request.headers.get("notes")
    NOTES.set(Path(file) if file else None)
    note(f"before {request.attempt}")


for event in ("task_success", "task_failure", "task_retry", "task_cancelled"):

    @app.on(event)  # type: ignore[arg-type]
    def tell(result: Any = None, error: BaseException | None = None, event: str = event) -> None:
        note(f"{event} {result if error is None else error}")


@app.on("after_task")
def end(outcome: str) -> None:
    note(f"after {outcome}")


@app.on("after_task")
def broken() -> None:
    raise ValueError("a hook that fails changes nothing")


@app.middleware
def around(request: Request) -> Iterator[None]:
    if request.headers.get("refuse"):
        raise Reject("refused by middleware")
    note("in")
    try:
        yield
    finally:
        note("out")


@app.task(bind=True, max_retries=2)
def again(self: BoundTask, until: int, lower: int | None = None) -> int:
    if self.request.attempt < until:
        self.retry(exc=Busy("busy"), countdown=0.02, max_retries=lower)
    return self.request.retries


@app.task(max_retries=1)
def again_in_own_words() -> None:
    raise Retry("the bank is closed", exc=Busy("busy"), countdown=0.02)


@app.task
def reject() -> None:
    raise Reject("wrong order")


@app.task
def give_back() -> int:
    if current().delivery == 1:
        raise Reject(requeue=True)
    return current().attempt


@app.task
def discard() -> None:
    raise Discard("nobody asked for it")


@app.task(max_retries=0)
def snooze(until: int) -> list[int]:
    done = current().last_checkpoint or 0
    if done < until:
        raise Snooze(0.02, reason="not yet", checkpoint=done + 1)
    return [current().attempt, current().delivery]


@app.task(autoretry_for=(Busy,), retry_backoff=0.02, max_retries=1)
def only_busy(busy: bool) -> None:
    raise Busy("busy") if busy else Wrong("wrong")


@app.task(dont_autoretry_for=(Exception,), retry_backoff=0.02)
async def never() -> None:
    note("running")
    raise Wrong("wrong")


@app.task(lease=1)
async def until_cancelled() -> None:
    note("running")
    while not current().cancelled:
        await asyncio.sleep(0.01)
    raise Cancelled("as you like")


@dataclass
class Point:
    x: int
    at: datetime


@app.task(bind=True)
def look(self: BoundTask, point: Point, *, tags: set[str]) -> dict[str, Any]:
    assert self.request.deadline is not None
    return {
        "point": [type(point).__name__, point.x, point.at.year],
        "tags": sorted(tags),
        "kwargs": sorted(self.request.kwargs),
        "headers": dict(self.request.headers),
        "queue": self.request.queue,
    }
