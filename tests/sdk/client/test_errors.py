"""The errors: the inverse of the server's table, and what must never be in them."""

import pickle
from typing import Any

import pytest
from headrace import (
    Conflict,
    ConnectionFailed,
    HeadraceError,
    IdempotencyMismatch,
    Invalid,
    InvalidCursor,
    JobCancelled,
    JobError,
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
    State,
    TaskCancelled,
    TaskFailed,
    TimedOut,
    Unauthorized,
    UniqueConflict,
)
from headrace import errors as errors_module
from headrace.errors import error_for, failure_of

from tests.support.contract import document

OPENAPI = document()

# code -> the decision that the caller must take. A code that joins the contract must be given its line here.
DECISIONS: dict[str, type[ProblemError]] = {
    "malformed_body": Invalid,
    "malformed_request": Invalid,
    "unauthorized": Unauthorized,
    "forbidden_origin": Unauthorized,
    "not_found": NotFound,
    "no_result": NotFound,
    "no_such_route": Refused,
    "no_such_problem": Refused,
    "method_not_allowed": Refused,
    "not_acceptable": Refused,
    "request_timeout": NotDone,
    "not_finished": NotFinished,
    "job_failed": Conflict,
    "job_leased": Conflict,
    "job_final": Conflict,
    "lease_lost": LeaseLost,
    "job_cancelled": JobCancelled,
    "job_not_dead": Conflict,
    "job_not_final": Conflict,
    "queue_not_empty": Conflict,
    "operation_ended": Conflict,
    "no_such_operation": NotFound,
    "no_such_worker": NotFound,
    "no_such_schedule": NotFound,
    "no_such_webhook": NotFound,
    "no_test_clock": NotFound,
    "worker_up": Conflict,
    "too_many_schedules": Conflict,
    "too_many_webhooks": Conflict,
    "webhook_paused": Conflict,
    "unique_conflict": UniqueConflict,
    "queue_draining": QueueDraining,
    "queue_full": QueueFull,
    "invalid_cursor": InvalidCursor,
    "body_too_large": Invalid,
    "payload_too_large": Invalid,
    "unsupported_media_type": Invalid,
    "invalid_request": Invalid,
    "idempotency_mismatch": IdempotencyMismatch,
    "other_group": Invalid,
    "already_expired": Invalid,
    "headers_too_large": Invalid,
    "internal": OutcomeUnknown,
    "draining": NotDone,
    "overloaded": NotDone,
    "store_unreachable": NotDone,
    "store_full": NotDone,
    "store_refused": NotDone,
    "wrong_node": NotDone,
    "disk_low": NotDone,
    "store_timeout": OutcomeUnknown,
    "not_replicated": OutcomeUnknown,
}


def _examples() -> dict[str, dict[str, Any]]:
    """Return one problem document for each code, as the contract shows it or as its siblings are shown."""
    found: dict[str, dict[str, Any]] = {}
    for response in OPENAPI["components"]["responses"].values():
        content = response.get("content", {}).get("application/problem+json", {})
        shown = [example["value"] for example in content.get("examples", {}).values()]
        for code in response.get("x-problem-codes", []):
            match = next((document for document in shown if document["code"] == code), None)
            found.setdefault(code, match or {**shown[0], "code": code})
            if match:
                found[code] = match
    return found


def test_every_code_of_the_contract_has_its_decision() -> None:
    assert set(DECISIONS) == set(OPENAPI["components"]["schemas"]["ProblemCode"]["enum"])


@pytest.mark.parametrize(("code", "document"), sorted(_examples().items()))
def test_a_problem_becomes_the_class_of_its_decision(code: str, document: dict[str, Any]) -> None:
    known = ("status", "outcome", "detail", "retryable")
    error = error_for(Problem(code=code, **{name: document[name] for name in known}))
    assert type(error) is DECISIONS[code]


@pytest.mark.parametrize(
    ("status", "outcome", "expected"),
    [
        (400, "not_done", Invalid),
        (403, "not_done", Unauthorized),
        (404, "not_done", Refused),
        (409, "not_done", Conflict),
        (418, "not_done", Refused),
        (429, "not_done", NotDone),
        (500, None, OutcomeUnknown),
        (502, None, OutcomeUnknown),
        (503, None, OutcomeUnknown),
        (503, "not_done", NotDone),
        (503, "half_done", OutcomeUnknown),
        (504, "unknown", OutcomeUnknown),
    ],
)
def test_a_code_of_tomorrow_is_decided_by_status_and_outcome(
    status: int, outcome: str | None, expected: type[ProblemError]
) -> None:
    assert type(error_for(Problem(code="of_tomorrow", detail="", status=status, outcome=outcome))) is expected


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    drawn: dict[str, str] = {}
    above: list[str] = []
    for text in (errors_module.__doc__ or "").splitlines():
        name = text.strip(" |-`").split(" ")[0]
        if not text.startswith("    ") or not isinstance(getattr(errors_module, name, None), type):
            continue
        depth = (len(text) - len(text.lstrip(" |-`")) - 4) // 4
        above[depth:] = [name]
        drawn[name] = above[depth - 1] if depth else "Exception"
    bases = {
        name: cls.__bases__[0].__name__
        for name, cls in vars(errors_module).items()
        if isinstance(cls, type) and issubclass(cls, HeadraceError) and cls is not ProblemError
    }
    assert drawn == {name: "HeadraceError" if base == "ProblemError" else base for name, base in bases.items()}


@pytest.mark.parametrize(
    "error",
    [
        LeaseLost(Problem(code="lease_lost", detail="d", state=State.READY)),
        ConnectionFailed(Problem(code="connection_failed", detail="d")),
        TaskFailed("id", State.DEAD, JobError(type="E", message="m", stack="s"), "max_attempts"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_survive_the_way_to_another_process(error: HeadraceError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)


def test_a_worker_that_knows_lost_leases_knows_cancelled_jobs() -> None:
    assert issubclass(JobCancelled, LeaseLost)


def test_a_unique_conflict_names_the_job_that_has_the_key() -> None:
    error = error_for(Problem(code="unique_conflict", status=409, detail="taken", job_id="id-1"))
    assert isinstance(error, UniqueConflict)
    assert error.job_id == "id-1"


def test_waiting_errors_are_time_outs_and_connection_errors_to_those_who_do_not_know_us() -> None:
    assert issubclass(NotFinished, TimeoutError)
    assert issubclass(TimedOut, TimeoutError)
    assert issubclass(ConnectionFailed, ConnectionError)


def test_a_failed_task_tells_the_remote_error_and_traceback() -> None:
    error = failure_of("id-1", State.DEAD, JobError(type="ValueError", message="bad", stack="File x"), "max_attempts")
    assert type(error) is TaskFailed
    assert all(part in str(error) for part in ("id-1", "dead", "max_attempts", "ValueError: bad", "File x"))


def test_a_cancelled_task_is_a_class_of_its_own() -> None:
    error = failure_of("id-1", State.CANCELLED, None, "expired")
    assert type(error) is TaskCancelled
    assert str(error) == "job id-1 is cancelled (expired)"


def test_a_text_says_what_happened_before_it_says_what_to_do() -> None:
    low = Problem(code="disk_low", status=503, title="The disk is nearly full", detail="Free some space.")
    assert str(NotDone(low)) == "The disk is nearly full: Free some space. [disk_low]"
    same = Problem(code="store_unreachable", status=503, title="The store is away", detail="the store is away")
    assert str(NotDone(same)) == "the store is away [store_unreachable]"


def test_a_fault_of_the_server_names_the_request_to_look_for_in_its_log() -> None:
    fault = Problem(code="internal", status=500, title="A fault", detail="See the log.", request_id="r1")
    assert str(OutcomeUnknown(fault)) == "A fault: See the log. [internal] (request r1)"
    for refusal in (Conflict, QueueFull):
        assert str(refusal(fault)) == "A fault: See the log. [internal]"


def test_a_refused_token_says_where_the_token_comes_from() -> None:
    assert "HEADRACE_TOKEN" in str(Unauthorized(Problem(code="unauthorized", title="A token is needed", detail="d")))
