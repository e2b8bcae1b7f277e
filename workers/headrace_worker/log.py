"""Log lines that people can read and machines can split, in the server's format: `ts=... msg="lease lost" job=...`."""

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

from headrace import lines
from headrace.context import CURRENT

LOGGER: Final = logging.getLogger("headrace.worker")
LEVELS: Final = ("debug", "info", "warning", "error")

# The children of a worker inherit these: they log as it does.
FORMAT_VARIABLE: Final = "HEADRACE_LOG_FORMAT"
WORKER_VARIABLE: Final = "HEADRACE_WORKER_ID"
_SECRET_VARIABLES: Final = ("HEADRACE_TOKEN", "HEADRACE_SENTRY_DSN")

# Loggers that tell of every request: one line for each job is for our own logger to write.
_CHATTY: Final = ("asyncio", "httpcore", "httpx")


def configure(level: str) -> None:
    """Send the logs of this process to stderr; what user code logs goes the same way."""
    handler = logging.StreamHandler(sys.stderr)
    secrets = [os.environ.get(name, "") for name in _SECRET_VARIABLES]
    handler.setFormatter(
        LineFormatter(os.environ.get(FORMAT_VARIABLE, "auto"), os.environ.get(WORKER_VARIABLE), secrets)
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


class LineFormatter(lines.LineFormatter):
    """One record, one line; what a task logs says for which job."""

    def __init__(self, format: str = "logfmt", worker: str | None = None, secrets: Sequence[str] = ()) -> None:
        super().__init__("worker", format, secrets)
        self._worker = worker

    def facts(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return the facts of our own events, else those of the job."""
        return {**(record.facts if hasattr(record, "facts") else _of_current_job()), "worker": self._worker}


def trace_id(trace: Any) -> str | None:
    """Return the trace id of a job's trace context, None where there is none."""
    parts = trace.get("traceparent", "").split("-") if trace else []
    return parts[1] if len(parts) > 3 else None


def _of_current_job() -> dict[str, Any]:
    """Return the facts of the job that this very code works for."""
    request = CURRENT.get(None)
    if request is None or not request.id:
        return {}
    return {
        "job": request.id,
        "task": request.task,
        "queue": request.queue,
        "attempt": request.attempt,
        "trace": trace_id(request.trace),
    }


def line(level: int, event: str, **facts: object) -> None:
    """Log one event; a fact that is None is left out."""
    if LOGGER.isEnabledFor(level):
        LOGGER.log(level, event, extra={"facts": facts})


def tells_details() -> bool:
    """Return whether `debug` logs anything: to be asked where gathering the facts would cost more than the rest."""
    return LOGGER.isEnabledFor(logging.DEBUG)


def debug(event: str, **facts: object) -> None:
    """Log what only a developer wants to see."""
    line(logging.DEBUG, event, **facts)


def info(event: str, **facts: object) -> None:
    """Log what an operator wants to see once."""
    line(logging.INFO, event, **facts)


def warning(event: str, **facts: object) -> None:
    """Log what an operator may have to look at."""
    line(logging.WARNING, event, **facts)


def error(event: str, **facts: object) -> None:
    """Log what an operator has to look at."""
    line(logging.ERROR, event, **facts)
