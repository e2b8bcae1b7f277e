"""A handful of tasks to try a server with: `headrace worker headrace_worker.demo:app`; `headrace up` runs them, too."""

import time
from typing import Any

from headrace import App

from headrace_worker.context import current

app = App()


@app.task(name="demo.add")
def add(x: int, y: int) -> int:
    """Return the sum of two numbers."""
    return x + y


@app.task(name="demo.sleep")
def sleep(seconds: float) -> float:
    """Sleep, and return for how long."""
    time.sleep(seconds)
    return seconds


@app.task(name="demo.fail")
def fail(message: str = "this task always fails") -> None:
    """Fail, so that one can watch retries and dead jobs."""
    raise RuntimeError(message)


@app.task(name="demo.echo")
def echo(*_: Any, **__: Any) -> Any:
    """Return the payload, whatever it is."""
    return current().payload
