"""What the package shows to the world: its names, and two clients that are one."""

import inspect
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import headrace
import pytest
from headrace import AsyncClient, AsyncJobHandle, Client, JobHandle
from headrace._verbs import Verbs

from tests.sdk.client.calls import CALLS

VERBS = sorted(name for name in dir(Verbs) if not name.startswith("_"))
WALKS = ["follow_events", "iter_jobs", "iter_schedules", "iter_webhooks", "iter_workers"]  # verbs that give many things
OF_THE_HANDLE = ["task_id", "job", "ready", "successful", "failed", "cancel", "revoke", "forget", "get"]
LOOKS = ["state", "status", "result", "info", "progress", "traceback"]  # attributes of a handle that ask

NAMES = [
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


def test_the_exported_names_are_these() -> None:
    assert sorted(headrace.__all__) == sorted(NAMES)
    assert dir(headrace) == headrace.__all__


@pytest.mark.parametrize("name", NAMES)
def test_an_exported_name_is_there_and_documented(name: str) -> None:
    value = getattr(headrace, name)
    assert name == "__version__" or name == "ABSENT" or value.__doc__


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'headrace' has no attribute 'Klient'"):
        _ = headrace.Klient


def test_the_verbs_are_those_of_the_api() -> None:
    called = {verb for verb, _, _ in CALLS.values()}
    made_of_others = {
        "enqueue_job",
        "enqueue_payloads",
        "wait",
        "result_bytes",
        "wait_operation",
        "apply_schedules",
        *WALKS,
    }
    assert set(VERBS) == called | made_of_others


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_the_same_in_both_clients(verb: str) -> None:
    blocking, awaiting = getattr(Client, verb), getattr(AsyncClient, verb)
    assert inspect.signature(blocking).parameters == inspect.signature(awaiting).parameters
    assert blocking.__doc__ == awaiting.__doc__ == getattr(Verbs, verb).__doc__


@pytest.mark.parametrize("verb", sorted({*VERBS} - {*WALKS}))
def test_a_verb_blocks_in_one_client_and_is_awaited_in_the_other(verb: str) -> None:
    blocking, awaiting = getattr(Client, verb), getattr(AsyncClient, verb)
    assert inspect.signature(blocking) == inspect.signature(awaiting)
    assert inspect.iscoroutinefunction(awaiting)
    assert not inspect.iscoroutinefunction(blocking)


def test_what_gives_many_things_is_iterated_in_both_clients() -> None:
    assert inspect.signature(Client.iter_jobs).return_annotation == Iterator[headrace.JobSummary]
    assert inspect.signature(AsyncClient.iter_jobs).return_annotation == AsyncIterator[headrace.JobSummary]


def test_a_signature_says_what_the_caller_gets() -> None:
    assert inspect.signature(Client.get).return_annotation is headrace.Job


def _public(cls: type) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")}


def test_the_clients_have_the_same_public_names() -> None:
    assert _public(Client) == _public(AsyncClient) == {*VERBS, "handle", "url", "close"}


def test_the_clients_are_made_from_the_same_parameters() -> None:
    parameters = [list(inspect.signature(cls).parameters) for cls in (Client, AsyncClient)]
    assert parameters[0] == parameters[1]


def test_the_handles_have_the_same_public_names() -> None:
    assert _public(JobHandle) == _public(AsyncJobHandle) == {*OF_THE_HANDLE, *LOOKS}


def test_the_version_costs_no_http_client() -> None:
    code = "import headrace.cli, sys; headrace.cli.main(['version']); print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["headrace", headrace.__version__, "False"]


def test_a_client_of_a_plain_server_does_without_httpx() -> None:
    code = (
        "import sys; from headrace import Client, ConnectionFailed, Patience\n"
        "try: Client('http://127.0.0.1:9', retry=Patience(total_s=0)).server_info()\n"
        "except ConnectionFailed: print('httpx' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]


def test_the_package_is_typed() -> None:
    assert (Path(headrace.__file__).parent / "py.typed").exists()
