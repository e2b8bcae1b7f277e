"""The words and numbers of the document are those of the domain, also where they stand in its prose."""

import re
from enum import StrEnum

import pytest
from headrace_server.api import replies, shapes
from headrace_server.config import Durability
from headrace_server.domain import limits
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.finding import AttemptOutcome, ReasonCode
from headrace_server.domain.jobs import OnConflict, OnDead, UniqueUntil
from headrace_server.domain.lifecycle import FINAL, HELD_BY_NOBODY, State
from headrace_server.domain.operations import Action, OperationState
from headrace_server.domain.requests import CancelMode, SettleStatus
from headrace_server.domain.retry import Backoff, OnExhausted
from headrace_server.domain.schedules import CatchUp, Overlap, RunOutcome, ScheduleState
from headrace_server.domain.webhooks import EventType, PauseReason, WebhookState

from tests.support.contract import Document, document

SCHEMAS: Document = document()["components"]["schemas"]
WORDS: dict[str, type[StrEnum]] = {
    "JobState": State,
    "Durability": Durability,
    "Backoff": Backoff,
    "OnExhausted": OnExhausted,
    "OnDead": OnDead,
    "OnConflict": OnConflict,
    "UniqueUntil": UniqueUntil,
    "UniqueBy": shapes.UniqueBy,
    "CancelMode": CancelMode,
    "AttemptOutcome": AttemptOutcome,
    "ReasonCode": ReasonCode,
    "BulkAction": shapes.BulkAction,
    "OperationAction": Action,
    "OperationState": OperationState,
    "WaitingState": shapes.PurgeState,
    "Overlap": Overlap,
    "CatchUp": CatchUp,
    "ScheduleState": ScheduleState,
    "RunOutcome": RunOutcome,
    "WebhookEvent": EventType,
    "WebhookState": WebhookState,
    "WebhookPauseReason": PauseReason,
}


@pytest.mark.parametrize("name", WORDS)
def test_words_are_those_of_the_domain(name: str) -> None:
    assert SCHEMAS[name]["enum"] == [word.value for word in WORDS[name]]


def test_words_made_of_others_are_made_of_all_of_them() -> None:
    states = SCHEMAS["JobState"]["enum"]
    assert SCHEMAS["StateCounts"]["required"] == list(SCHEMAS["StateCounts"]["properties"]) == states
    assert SCHEMAS["GoneState"]["enum"] == [replies.GoneDocument("").state]
    assert SCHEMAS["EventState"]["enum"] == states + SCHEMAS["GoneState"]["enum"]
    assert set(SCHEMAS["WaitingState"]["enum"]) == HELD_BY_NOBODY
    assert SCHEMAS["BulkAction"]["enum"] == [a.value for a in Action if a is not Action.PURGE]
    assert all(f"`{state.value}`" in SCHEMAS["JobState"]["description"].partition("Final:")[2] for state in FINAL)


def test_outcomes_are_the_verdicts_of_the_domain_and_what_can_befall_an_item() -> None:
    verdicts = [status.value for status in SettleStatus]
    refused = {SettleStatus.LEASE_LOST, SettleStatus.JOB_CANCELLED, SettleStatus.NOT_FOUND}
    assert SCHEMAS["OutcomeStatus"]["enum"] == [*verdicts, "invalid", "not_done", "unknown"]
    assert set(SCHEMAS["LeaseStatus"]["enum"]) == set(SCHEMAS["OutcomeStatus"]["enum"]) - {"repeated"} | {
        "cancel_requested"
    }
    assert SCHEMAS["SettleStatus"]["enum"] == [verdict for verdict in verdicts if verdict not in refused]


def test_bounds_are_those_of_the_domain() -> None:
    assert {SCHEMAS[name]["pattern"] for name in ("TaskName", "QueueName")} == {f"^{limits.NAME_PATTERN}$"}
    assert SCHEMAS["LaneKey"]["pattern"] == f"^{limits.LANE_KEY_PATTERN}$"
    assert SCHEMAS["Duration"]["maximum"] == limits.MAX_DELAY_MS
    assert (SCHEMAS["LeaseMs"]["minimum"], SCHEMAS["LeaseMs"]["maximum"]) == (limits.MIN_LEASE_MS, limits.MAX_LEASE_MS)
    assert SCHEMAS["PageLimit"]["maximum"] == limits.MAX_PAGE_ITEMS
    assert SCHEMAS["JobPageLimit"]["maximum"] == limits.MAX_LISTED_JOBS
    assert SCHEMAS["EventLimit"]["maximum"] == limits.MAX_EVENTS_PAGE
    assert SCHEMAS["Operation"]["properties"]["sample"]["maxItems"] == limits.OPERATION_SAMPLE
    assert re.fullmatch(SCHEMAS["IdempotencyKey"]["pattern"], "!" * limits.MAX_KEY_CHARS)
    assert not re.fullmatch(SCHEMAS["IdempotencyKey"]["pattern"], "!" * (limits.MAX_KEY_CHARS + 1))
    assert SCHEMAS["Priority"]["maximum"] == limits.MAX_PRIORITY


@pytest.mark.parametrize(("key", "fits"), [(":" * 7, True), (":" * 8, False), ("a:" * 7 + "b", True)])
def test_the_key_of_a_limit_has_as_many_parts_as_are_looked_up(key: str, fits: bool) -> None:
    assert (key.count(":") < limits.MAX_KEY_DEPTH) is fits
    assert bool(re.fullmatch(SCHEMAS["LimitKey"]["pattern"], key)) is fits


def test_limits_are_named_as_in_the_domain() -> None:
    names = SCHEMAS["Limits"]["required"]
    assert names == list(SCHEMAS["Limits"]["properties"])
    assert [name for name in names if not hasattr(limits, name.upper())] == []


def test_numbers_in_the_prose_are_those_of_the_domain() -> None:
    kept = [limits.MAX_ERROR_TYPE_CHARS, limits.MAX_ERROR_MESSAGE_CHARS, limits.MAX_ERROR_STACK_CHARS]
    texts = [SCHEMAS["SettleError"]["properties"][name]["description"] for name in ("type", "message", "stack")]
    assert [int(re.findall(r"\d+", text)[-1]) for text in texts] == kept
    assert f"{limits.MAX_PAYLOAD_BYTES // limits.MIB} MiB at most" in SCHEMAS["Value"]["description"]
    assert f"nested {limits.MAX_DEPTH} deep" in SCHEMAS["Value"]["description"]
    assert f"{limits.MAX_META_BYTES // limits.KIB} KiB at most" in SCHEMAS["Meta"]["description"]
    assert f"{limits.MAX_PROGRESS_BYTES // limits.KIB} KiB at most" in SCHEMAS["Progress"]["description"]
    assert f"{limits.MAX_CHECKPOINT_BYTES // limits.KIB} KiB at most" in SCHEMAS["Checkpoint"]["description"]
    assert f"{limits.MAX_TRACE_BYTES // limits.KIB} KiB at most" in SCHEMAS["TraceHeader"]["description"]
    assert f"{limits.MAX_ATOMIC_JOBS} at most" in SCHEMAS["BatchInput"]["properties"]["jobs"]["description"]
    assert f"more than {limits.MAX_WAIT_MS // limits.SECOND_MS} is" in SCHEMAS["WaitSeconds"]["description"]
    assert (
        f"newest {limits.ATTEMPTS_KEPT} are kept" in document()["paths"]["/v1/jobs/{id}/attempts"]["get"]["description"]
    )


def test_defaults_in_the_prose_are_those_of_the_domain() -> None:
    defaults, retry, job = Defaults(), SCHEMAS["Retry"]["properties"], SCHEMAS["JobFields"]["properties"]
    assert f"{defaults.priority} by default" in job["priority"]["description"]
    assert f"{defaults.lease_ms // limits.SECOND_MS} seconds by default" in job["lease_ms"]["description"]
    assert f"{defaults.max_crashes} by default" in job["max_crashes"]["description"]
    assert f"{defaults.max_attempts} by default" in retry["max_attempts"]["description"]
    assert f"{defaults.initial_ms // limits.SECOND_MS} second by default" in retry["initial_ms"]["description"]
    assert f"{defaults.factor:g} by default" in retry["factor"]["description"]
    assert f"{defaults.max_ms // limits.MINUTE_MS} minutes by default" in retry["max_ms"]["description"]
    kept = job["retention_ms"]["description"]
    assert f"{defaults.succeeded_retention_ms // limits.HOUR_MS} hour when succeeded or cancelled" in kept
    assert defaults.succeeded_retention_ms == defaults.cancelled_retention_ms
    assert f"{defaults.dead_retention_ms // limits.DAY_MS} days when dead" in kept
