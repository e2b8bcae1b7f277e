"""The bodies of requests as types: fields, bounds, what is required; `openapi.yaml` is tested against them.

They are decoded straight from the request's bytes; rules between fields stand in RULES. It must not know where a body
comes from nor what is done with it.
"""

from typing import Final

from headrace_server.api.shapes import jobs, orders, work
from headrace_server.api.shapes.fields import LIMIT_PATTERN, WORKER_PATTERN
from headrace_server.api.shapes.fleet import CountsInput, HeartbeatInput, WorkerInfoInput, WorkersQuery
from headrace_server.api.shapes.jobs import (
    JOB_PAIRS,
    PAYLOAD_PAIR,
    WHOLE_JOB,
    BatchInput,
    CancelInput,
    JobDefaults,
    JobFields,
    JobInput,
    PatchInput,
    Retry,
    RetryInput,
    Unique,
    UniqueBy,
    WaitInput,
    WaitMode,
)
from headrace_server.api.shapes.orders import (
    BackoffInput,
    BulkAction,
    EventsQuery,
    FilterInput,
    LimitInput,
    ListQuery,
    OperationInput,
    PageQuery,
    PauseInput,
    PurgeInput,
    PurgeState,
    QueueSettingsInput,
    RateInput,
    TagInput,
)
from headrace_server.api.shapes.rules import Rules
from headrace_server.api.shapes.work import (
    AckInput,
    AckItem,
    CompletionItem,
    CompletionsInput,
    ErrorInput,
    ExtendInput,
    HeartbeatItem,
    LeaseInput,
    NackInput,
    NackItem,
    ReleaseInput,
    ReleaseItem,
    SnoozeInput,
    SnoozeItem,
    WorkerInput,
)

RULES: Final[dict[type, Rules]] = {**jobs.RULES, **orders.RULES, **work.RULES}

__all__ = [
    "JOB_PAIRS",
    "LIMIT_PATTERN",
    "PAYLOAD_PAIR",
    "RULES",
    "WHOLE_JOB",
    "WORKER_PATTERN",
    "AckInput",
    "AckItem",
    "BackoffInput",
    "BatchInput",
    "BulkAction",
    "CancelInput",
    "CompletionItem",
    "CompletionsInput",
    "CountsInput",
    "ErrorInput",
    "EventsQuery",
    "ExtendInput",
    "FilterInput",
    "HeartbeatInput",
    "HeartbeatItem",
    "JobDefaults",
    "JobFields",
    "JobInput",
    "LeaseInput",
    "LimitInput",
    "ListQuery",
    "NackInput",
    "NackItem",
    "OperationInput",
    "PageQuery",
    "PatchInput",
    "PauseInput",
    "PurgeInput",
    "PurgeState",
    "QueueSettingsInput",
    "RateInput",
    "ReleaseInput",
    "ReleaseItem",
    "Retry",
    "RetryInput",
    "SnoozeInput",
    "SnoozeItem",
    "TagInput",
    "Unique",
    "UniqueBy",
    "WaitInput",
    "WaitMode",
    "WorkerInfoInput",
    "WorkerInput",
    "WorkersQuery",
]
