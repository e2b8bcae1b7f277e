"""What a type checker makes of tasks: wrong calls are errors, results have their type. Runs mypy on a real program."""

import re
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from headrace import App, AsyncClient, AsyncTask, BoundTask, Client, Grant, Job, Request, State, Task, shared_task
from headrace import crontab, every
from headrace import ResultSet, aas_completed, agather, as_completed, gather

app = App()


@app.task
def add(x: int, y: int = 0) -> int:
    return x + y


@app.task(name="mail.send", queue="mail", max_retries=5)
async def send(to: str, *, urgent: bool = False) -> list[str]:
    return [to]


reveal_type(add.delay(1, y=2).get())  # R: int
reveal_type(add.delay(1).get(timeout=5, propagate=False))  # R: int | headrace.errors.TaskFailed
reveal_type(add(1))  # R: int
reveal_type(add.handle("id").get())  # R: int
reveal_type(add.AsyncResult("id").get())  # R: int
reveal_type(send.delay("ann", urgent=True).get())  # R: list[str]
reveal_type(app.send_task("x", [1]).get())  # R: Any
reveal_type(add.delay(1).state)  # R: headrace.words.State
add.delay("1")  # E: arg-type
add.delay()  # E: call-arg
add.delay(1, z=2)  # E: call-arg
add("1")  # E: arg-type
send.delay(1)  # E: arg-type
send.delay("ann", True)  # E: call-arg
add.apply_async((1,), countdown="soon")  # E: arg-type
add.apply_async((1,), delay=5)  # E: call-arg
total: str = add.delay(1).get()  # E: assignment


@app.task(retries=3)  # E: call-overload untyped-decorator
def wrong() -> None: ...


@app.task(max_retries="3")  # E: call-overload untyped-decorator
def wrong_too() -> None: ...


@app.task(bind=True, max_retries=5, retry_backoff=True, time_limit=timedelta(minutes=1), rate_limit="10/m")
def fetch(self: BoundTask, page: str, *, depth: int = 1) -> bytes:
    reveal_type(self.request)  # R: headrace.context.Request
    reveal_type(self.cancelled)  # R: bool
    reveal_type(self.retry(countdown=1, throw=False))  # R: headrace.exceptions.Retry
    self.retry(countdown="soon")  # E: call-overload
    self.progress(1, 2)  # E: call-arg
    if depth > 4:
        self.retry()
    if depth > 3:
        return b""
    raise self.retry(exc=ValueError("busy"))


reveal_type(fetch.delay("x", depth=2).get())  # R: bytes
reveal_type(fetch("x"))  # R: bytes
reveal_type(fetch.run)  # R: def (*Any, **Any) -> Any
fetch.delay()  # E: call-arg
fetch.delay("x", 2)  # E: call-arg
fetch.delay(1)  # E: arg-type
fetch.delay("x", depth="2")  # E: arg-type


@app.task(bind=True)
async def crawl(self: AsyncTask[..., Any], page: str) -> int:
    return len(page)


@app.task(bind=True)
def as_celery_writes_it(self: Task[..., Any], page: str) -> int:
    return len(page)


@app.task(bind=True)  # E: arg-type
def no_self() -> int:
    return 1


reveal_type(crawl.delay("x").get())  # R: int
crawl.delay(1)  # E: arg-type
as_celery_writes_it.delay(1)  # E: arg-type


@app.periodic_task(crontab(hour=7, minute=0), queue="mail", overlap="skip", jitter=5)
def digest(day: int = 0) -> str:
    return str(day)


@app.periodic_task(every(minutes=5), bind=True)
def looks(self: Task[..., Any], page: str) -> int:
    return len(page)


@app.periodic_task(60, overlaps="skip")  # E: call-overload call-overload untyped-decorator
def misspelt() -> None: ...


reveal_type(digest.delay(1).get())  # R: str
reveal_type(looks.delay("x").get())  # R: int
looks.delay(1)  # E: arg-type
reveal_type(app.add_periodic_task(30.0, digest.s(1), priority=3, overlap="skip"))  # R: str
app.add_periodic_task(30.0, digest.s(1), priority="high")  # E: arg-type


@shared_task
def shared(x: int) -> str:
    return str(x)


@shared_task(name="lib.f", bind=True, queue="q")
async def shared_too(self: BoundTask, x: int) -> str:
    return str(x)


reveal_type(shared.delay(1).get())  # R: str
reveal_type(shared_too.delay(1).get())  # R: str
shared.delay("1")  # E: arg-type
shared_too.delay("1")  # E: arg-type

reveal_type(add.s(1, y=2))  # R: headrace.signatures.Signature[int]
reveal_type(add.s(1).set(countdown=5).delay().get())  # R: int
reveal_type(add.signature((1,)).clone(kwargs={"y": 2}).apply_async().get())  # R: int
reveal_type([handle.get() for handle in add.delay_many([(1, 2), {"x": 3}, add.s(4)])])  # R: list[int]
reveal_type(app.enqueue_many([add.s(1), add.si(2)])[0].get())  # R: int
reveal_type(add.apply((1,)).get())  # R: int
reveal_type(app.signature("x").delay().get())  # R: Any
reveal_type(gather([add.delay(1), add.delay(2)]))  # R: list[int]
reveal_type(next(as_completed([add.delay(1)])).get())  # R: int
reveal_type(ResultSet([add.delay(1)]).get(propagate=False))  # R: list[int | headrace.errors.TaskFailed]
gather([add])  # E: arg-type
add.s("1")  # E: arg-type
add.s(1).set(delay=5)  # E: call-arg
add.delay_many([shared.s(1)])  # E: list-item
app.conf.task_default_queue = 5  # E: assignment
app.conf.task_default_priority = 5


@app.on("task_failure")
def tell(request: Request, error: BaseException) -> None: ...


@app.on("task_failur")  # E: arg-type
def mistold() -> None: ...


@app.middleware
def around(request: Request) -> Iterator[None]:
    yield


reveal_type(tell)  # R: def (request: headrace.context.Request, error: BaseException)


async def main() -> None:
    reveal_type(await send("ann"))  # R: list[str]
    reveal_type(await (await send.adelay("ann")).get())  # R: list[str]
    reveal_type(await (await crawl.adelay("x")).get())  # R: int
    reveal_type(await (await add.s(1).adelay()).get())  # R: int
    reveal_type(await (await add.aapply((1,))).get())  # R: int
    reveal_type(await (await add.adelay_many([(1,)]))[0].get())  # R: int
    reveal_type(await agather([await add.adelay(1)]))  # R: list[int]
    async for ended in aas_completed([await add.adelay(1)]):
        reveal_type(await ended.get())  # R: int
    await crawl.adelay(1)  # E: arg-type
    async with AsyncClient() as client:
        reveal_type(await client.get("id"))  # R: headrace.models.Job
        reveal_type(await client.lease("q", worker="w"))  # R: headrace.leases.Grant
        await client.lease("q", wait="1")  # E: call-arg
        await client.ack("id")  # E: call-arg


client = Client()
reveal_type(client.enqueue("t", [1]))  # R: headrace.models.Job
reveal_type(client.wait("id", timeout=1))  # R: headrace.models.Job
reveal_type(client.handle("id").get())  # R: Any
reveal_type(client.iter_jobs(queue="q"))  # R: typing.Iterator[headrace.models.JobSummary]
reveal_type(client.list_jobs(state=["dead", State.READY], tag=("a", "b")))  # R: headrace.finding.JobPage
client.enqueue("t", queu="q")  # E: call-arg
client.list_jobs(quue="q")  # E: call-arg
client.iter_jobs(tag="a:b")  # E: arg-type
client.start_operation("explode", queue="q")  # E: arg-type
client.enqueue(5)  # E: arg-type
"""


def test_wrong_calls_are_errors_and_results_have_their_type(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--cache-dir", str(tmp_path), str(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert _said(done.stdout) == _wanted()


def _wanted() -> dict[int, list[str]]:
    """Return what the comments of the program want, by line: the type revealed, or the codes of the errors."""
    found = {}
    for number, text in enumerate(PROGRAM.splitlines(), 1):
        _, revealed, kind = text.partition("  # R: ")
        _, failed, codes = text.partition("  # E: ")
        if revealed:
            found[number] = [kind]
        if failed:
            found[number] = codes.split()
    return found


def _said(output: str) -> dict[int, list[str]]:
    """Return what mypy says, by line, in the same form."""
    found: dict[int, list[str]] = {}
    for line, revealed, code in re.findall(r':(\d+): (?:note: Revealed type is "(.*)"|error: .*\[(.*)\])', output):
        found.setdefault(int(line), []).append(revealed.replace("builtins.", "") or code)
    return {line: sorted(said) for line, said in found.items()}
