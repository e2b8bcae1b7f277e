"""A handful of tasks to try a server with: `headrace worker headrace_worker.demo:app`; `headrace up` runs them, too."""

import time
from typing import Any

from headrace import App, Cancelled, current

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


@app.task(name="demo.steps")
def steps(count: int, seconds: float = 1.0) -> int:
    """Take some steps: tell how far it is, go on where an earlier attempt was, end when somebody wants that."""
    job = current()
    for step in range(job.last_checkpoint or 0, count):
        if job.cancelled:
            raise Cancelled
        time.sleep(seconds)
        job.progress({"step": step + 1, "of": count})
        job.checkpoint(step + 1)
    return count


@app.task(name="demo.fail")
def fail(message: str = "this task always fails") -> None:
    """Fail, so that one can watch retries and dead jobs."""
    raise RuntimeError(message)


@app.task(name="demo.echo")
def echo(*_: Any, **__: Any) -> Any:
    """Return the payload, whatever it is."""
    return current().payload
