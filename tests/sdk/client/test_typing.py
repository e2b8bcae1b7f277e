"""What a type checker makes of tasks: wrong calls are errors, results have their type. Runs mypy on a real program."""

import re
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import asyncio
from headrace import App, AsyncClient, Client, Grant, Job, State

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


async def main() -> None:
    reveal_type(await send("ann"))  # R: list[str]
    reveal_type(await (await send.adelay("ann")).get())  # R: list[str]
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
