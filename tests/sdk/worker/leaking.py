"""An app whose tasks fail with their arguments wherever an error can hold them; imported by workers."""

import os
import signal
from typing import Any

from headrace import App, Reject, current

app = App()


@app.task(name="leak", max_retries=0)
def leak(value: str, other: Any = None) -> None:
    local = {"copy": value}
    raise ValueError(f"no {local['copy']}")


@app.task(name="leak_async")
async def leak_async(value: str, other: Any = None) -> None:
    error = KeyError(value)
    error.add_note(value)
    raise error


@app.task(name="leak_in_a_chain")
def leak_in_a_chain(value: str, other: Any = None) -> None:
    try:
        leak(value)
    except ValueError as error:
        raise RuntimeError(value, other) from error


@app.task(name="leak_as_verdict")
def leak_as_verdict(value: str, other: Any = None) -> None:
    raise Reject(f"{value} {current().meta}")


@app.task(name="refused")
def refused(value: int) -> None:
    raise AssertionError("its payload does not fit")


@app.task(name="die")
def die(value: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(name="relay")
def relay(queue: str, value: str) -> str:
    from headrace import current_app

    job = current_app().send_task("leak", [value], queue=queue)
    return job.id


@app.task(name="quiet")
def quiet() -> None:
    return None
