"""Headrace for Python: `App` and its tasks for applications, `Client` and `AsyncClient` for everything the API offers.

Names are loaded when they are first used, so that `headrace version` and a server, which share this package's command
line, do not pay for an HTTP client.
"""

import importlib
from typing import TYPE_CHECKING, Any

from headrace._version import __version__

if TYPE_CHECKING:
    from headrace._codec import NotWritable
    from headrace._retry import Patience
    from headrace.aio import AsyncClient
    from headrace.annotations import Misfit
    from headrace.app import App
    from headrace.bound import BoundTask
    from headrace.client import Client
    from headrace.context import Request, current
    from headrace.eager import AsyncEagerResult, EagerResult
    from headrace.errors import (
        Conflict,
        ConnectionFailed,
        ContentRefused,
        HeadraceError,
        IdempotencyMismatch,
        Invalid,
        InvalidCursor,
        JobCancelled,
        LeaseLost,
        NotDone,
        NotFinished,
        NotFound,
        OutcomeUnknown,
        Problem,
        ProblemError,
        QueueDraining,
        QueueFull,
        Refused,
        TaskCancelled,
        TaskFailed,
        TimedOut,
        Unauthorized,
        UniqueConflict,
    )
    from headrace.exceptions import (
        Cancelled,
        Discard,
        MaxRetriesExceeded,
        Reject,
        Retry,
        Snooze,
        SoftTimeLimitExceeded,
    )
    from headrace.finding import Attempt, Event, EventPage, Explanation, JobFilter, JobPage, Reason
    from headrace.fleet import Heartbeat, WorkerInfo, WorkerPage, WorkerRecord
    from headrace.leases import Completed, Completion, Grant, Held, Leased, Settled
    from headrace.models import (
        Fault,
        Job,
        JobError,
        JobOptions,
        JobSummary,
        NewJob,
        Raw,
        RetryPolicy,
        ScheduleSlot,
        Unique,
    )
    from headrace.operating import (
        Limit,
        LimitPage,
        Operation,
        Queue,
        QueuePage,
        QueueSettings,
        QueueStats,
        QueueSummary,
        Rate,
        ServerInfo,
        StoreInfo,
    )
    from headrace.options import CallOptions, TaskOptions
    from headrace.receipts import Batch, Receipt
    from headrace.results import (
        AsyncJobHandle,
        AsyncResultSet,
        JobHandle,
        ResultSet,
        aas_completed,
        agather,
        as_completed,
        gather,
    )
    from headrace.schedules import (
        Schedule,
        ScheduleChange,
        SchedulePage,
        SchedulePreview,
        ScheduleRecord,
        ScheduleRun,
        ScheduleTrigger,
    )
    from headrace.serializers import Serializer
    from headrace.shared import current_app, shared_task
    from headrace.signatures import Signature
    from headrace.tasks import AsyncTask, BaseTask, Task
    from headrace.timings import crontab, every
    from headrace.webhooks import Webhook, WebhookPage, WebhookPing, WebhookRecord
    from headrace.words import (
        ABSENT,
        AttemptOutcome,
        Backoff,
        Directive,
        OperationState,
        ReasonCode,
        RunOutcome,
        ScheduleState,
        State,
        Status,
        WebhookEvent,
        WebhookPauseReason,
        WebhookState,
        WorkerState,
    )

__all__ = [
    "ABSENT",
    "App",
    "AsyncClient",
    "AsyncEagerResult",
    "AsyncJobHandle",
    "AsyncResultSet",
    "AsyncTask",
    "Attempt",
    "AttemptOutcome",
    "Backoff",
    "BaseTask",
    "Batch",
    "BoundTask",
    "CallOptions",
    "Cancelled",
    "Client",
    "Completed",
    "Completion",
    "Conflict",
    "ConnectionFailed",
    "ContentRefused",
    "Directive",
    "Discard",
    "EagerResult",
    "Event",
    "EventPage",
    "Explanation",
    "Fault",
    "Grant",
    "HeadraceError",
    "Heartbeat",
    "Held",
    "IdempotencyMismatch",
    "Invalid",
    "InvalidCursor",
    "Job",
    "JobCancelled",
    "JobError",
    "JobFilter",
    "JobHandle",
    "JobOptions",
    "JobPage",
    "JobSummary",
    "LeaseLost",
    "Leased",
    "Limit",
    "LimitPage",
    "MaxRetriesExceeded",
    "Misfit",
    "NewJob",
    "NotDone",
    "NotFinished",
    "NotFound",
    "NotWritable",
    "Operation",
    "OperationState",
    "OutcomeUnknown",
    "Patience",
    "Problem",
    "ProblemError",
    "Queue",
    "QueueDraining",
    "QueueFull",
    "QueuePage",
    "QueueSettings",
    "QueueStats",
    "QueueSummary",
    "Rate",
    "Raw",
    "Reason",
    "ReasonCode",
    "Receipt",
    "Refused",
    "Reject",
    "Request",
    "ResultSet",
    "Retry",
    "RetryPolicy",
    "RunOutcome",
    "Schedule",
    "ScheduleChange",
    "SchedulePage",
    "SchedulePreview",
    "ScheduleRecord",
    "ScheduleRun",
    "ScheduleSlot",
    "ScheduleState",
    "ScheduleTrigger",
    "Serializer",
    "ServerInfo",
    "Settled",
    "Signature",
    "Snooze",
    "SoftTimeLimitExceeded",
    "State",
    "Status",
    "StoreInfo",
    "Task",
    "TaskCancelled",
    "TaskFailed",
    "TaskOptions",
    "TimedOut",
    "Unauthorized",
    "Unique",
    "UniqueConflict",
    "Webhook",
    "WebhookEvent",
    "WebhookPage",
    "WebhookPauseReason",
    "WebhookPing",
    "WebhookRecord",
    "WebhookState",
    "WorkerInfo",
    "WorkerPage",
    "WorkerRecord",
    "WorkerState",
    "__version__",
    "aas_completed",
    "agather",
    "as_completed",
    "crontab",
    "current",
    "current_app",
    "every",
    "gather",
    "shared_task",
]

# Where the names live, cheapest module first.
_HOMES = (
    "words",
    "models",
    "exceptions",
    "context",
    "leases",
    "fleet",
    "finding",
    "operating",
    "timings",
    "schedules",
    "webhooks",
    "errors",
    "_retry",
    "_codec",
    "receipts",
    "annotations",
    "serializers",
    "results",
    "options",
    "bound",
    "signatures",
    "tasks",
    "shared",
    "eager",
    "client",
    "aio",
    "app",
)


def __getattr__(name: str) -> Any:
    if name in __all__:
        for home in _HOMES:
            module = importlib.import_module(f"headrace.{home}")
            if name in vars(module):
                return globals().setdefault(name, vars(module)[name])
    raise AttributeError(f"module 'headrace' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
