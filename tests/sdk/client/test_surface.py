"""What the package shows to the world: its names, and two clients that are one."""

import inspect
import subprocess
import sys
from pathlib import Path

import headrace
import pytest
from headrace import AsyncClient, AsyncJobHandle, Client, JobHandle
from headrace._verbs import Verbs

VERBS = sorted(name for name in dir(Verbs) if not name.startswith("_"))
OF_THE_HANDLE = ["job", "ready", "successful", "failed", "cancel", "get", "state", "status"]

NAMES = [
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
    assert (
        sorted(
            [
                "ack",
                "cancel",
                "complete",
                "enqueue",
                "enqueue_batch",
                "extend",
                "get",
                "heartbeat",
                "lease",
                "nack",
                "queue_stats",
                "queues",
                "release",
                "result",
                "server_info",
                "snooze",
                "wait",
            ]
        )
        == VERBS
    )


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_the_same_in_both_clients(verb: str) -> None:
    blocking, awaiting = getattr(Client, verb), getattr(AsyncClient, verb)
    assert inspect.signature(blocking) == inspect.signature(awaiting)
    assert blocking.__doc__ == awaiting.__doc__ == getattr(Verbs, verb).__doc__
    assert inspect.iscoroutinefunction(awaiting)
    assert not inspect.iscoroutinefunction(blocking)


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
    assert _public(JobHandle) == _public(AsyncJobHandle) == set(OF_THE_HANDLE)


def test_the_version_costs_no_http_client() -> None:
    code = "import headrace.cli, sys; headrace.cli.main(['version']); print('httpx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["headrace", headrace.__version__, "False"]


def test_the_package_is_typed() -> None:
    assert (Path(headrace.__file__).parent / "py.typed").exists()
