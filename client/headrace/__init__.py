"""Headrace for Python: `App` and its tasks for applications, `Client` and `AsyncClient` for everything the API offers.

Names are loaded when they are first used, so that `headrace version` and a server, which share this package's command
line, do not pay for an HTTP client.
"""

import importlib
from typing import TYPE_CHECKING, Any

from headrace._version import __version__

if TYPE_CHECKING:
    from headrace._codec import NotWritable
    from headrace._produce import Batch
    from headrace._retry import Retry
    from headrace.aio import AsyncClient
    from headrace.app import App
    from headrace.client import Client
    from headrace.errors import (
        Conflict,
        ConnectionFailed,
        HeadraceError,
        IdempotencyMismatch,
        Invalid,
        LeaseLost,
        NotDone,
        NotFinished,
        NotFound,
        OutcomeUnknown,
        Problem,
        ProblemError,
        Refused,
        TaskCancelled,
        TaskFailed,
        TimedOut,
        Unauthorized,
    )
    from headrace.models import (
        Ack,
        Completed,
        Completion,
        Fault,
        Grant,
        Heartbeat,
        Held,
        Job,
        JobError,
        Leased,
        Nack,
        NewJob,
        QueuePage,
        QueueStats,
        Raw,
        Release,
        RetryPolicy,
        ServerInfo,
        Settled,
        Snooze,
        StoreInfo,
    )
    from headrace.results import AsyncJobHandle, JobHandle
    from headrace.tasks import AsyncTask, BaseTask, CallOptions, Task, TaskOptions
    from headrace.words import ABSENT, Backoff, State, Status

__all__ = [
    "ABSENT",
    "Ack",
    "App",
    "AsyncClient",
    "AsyncJobHandle",
    "AsyncTask",
    "Backoff",
    "BaseTask",
    "Batch",
    "CallOptions",
    "Client",
    "Completed",
    "Completion",
    "Conflict",
    "ConnectionFailed",
    "Fault",
    "Grant",
    "HeadraceError",
    "Heartbeat",
    "Held",
    "IdempotencyMismatch",
    "Invalid",
    "Job",
    "JobError",
    "JobHandle",
    "LeaseLost",
    "Leased",
    "Nack",
    "NewJob",
    "NotDone",
    "NotFinished",
    "NotFound",
    "NotWritable",
    "OutcomeUnknown",
    "Problem",
    "ProblemError",
    "QueuePage",
    "QueueStats",
    "Raw",
    "Refused",
    "Release",
    "Retry",
    "RetryPolicy",
    "ServerInfo",
    "Settled",
    "Snooze",
    "State",
    "Status",
    "StoreInfo",
    "Task",
    "TaskCancelled",
    "TaskFailed",
    "TaskOptions",
    "TimedOut",
    "Unauthorized",
    "__version__",
]

# Where the names live, cheapest module first.
_HOMES = ("words", "models", "errors", "_retry", "_codec", "_produce", "results", "tasks", "client", "aio", "app")


def __getattr__(name: str) -> Any:
    if name in __all__:
        for home in _HOMES:
            module = importlib.import_module(f"headrace.{home}")
            if name in vars(module):
                return globals().setdefault(name, vars(module)[name])
    raise AttributeError(f"module 'headrace' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
