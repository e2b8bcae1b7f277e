"""Explanations: sentences that name a fact and what to do about it; the facts themselves are the engine's."""

import re
from typing import Any

import pytest
from headrace_server.api import explain
from headrace_server.domain.finding import Explanation, Reason, ReasonCode
from headrace_server.domain.jobs import Body, Job
from headrace_server.domain.lifecycle import State

ID = "01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f"
RAW_ID = bytes.fromhex(ID.replace("-", ""))
NOON_MS = 1_767_355_200_000
NOON = "2026-01-02T12:00:00.000Z"


def job(state: State = State.READY, **more: Any) -> Job:
    return Job(
        id=RAW_ID,
        task="t",
        queue="mail.high",
        state=state,
        rev=1,
        payload=Body(b"1"),
        priority=100,
        attempt=1,
        max_attempts=3,
        delivery=0,
        crashes=0,
        enqueued_at_ms=0,
        **more,
    )


def detail(code: ReasonCode, of: Job | None = None, **facts: Any) -> str:
    found = explain.explanation(Explanation(job=of or job(), reasons=[Reason(code=code, **facts)], now_ms=NOON_MS))
    assert found.reasons[0].detail.startswith(found.summary)
    assert len(found.reasons[0].detail) > len(found.summary)
    return found.reasons[0].detail


@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_says_what_to_do_also_without_numbers(code: ReasonCode) -> None:
    text = detail(code, key="k")  # every reason about a key names it
    assert re.fullmatch(r"[A-Z][^{}]*\. [A-Z][^{}]*\.", text)
    assert "None" not in text


@pytest.mark.parametrize(
    ("code", "facts", "words"),
    [
        (ReasonCode.NOT_DUE, {"until_ms": NOON_MS}, [NOON, f"PATCH /v1/jobs/{ID} with `delay_ms: 0`"]),
        (ReasonCode.QUEUE_PAUSED, {}, ["until somebody resumes it", "POST /v1/queues/mail.high/resume"]),
        (ReasonCode.QUEUE_PAUSED, {"until_ms": NOON_MS}, [f"paused until {NOON}"]),
        (ReasonCode.QUEUE_CONCURRENCY, {"in_use": 5, "limit": 5}, ["5 of 5 jobs", "PUT /v1/queues/mail.high"]),
        (ReasonCode.QUEUE_RATE, {"until_ms": NOON_MS}, [NOON]),
        (
            ReasonCode.LIMIT_CONCURRENCY,
            {"key": "a/b:c", "in_use": 1, "limit": 1},
            ["a/b:c", "PUT /v1/limits/a%2Fb%3Ac "],
        ),
        (ReasonCode.LIMIT_RATE, {"key": "a", "until_ms": NOON_MS}, [f"until {NOON}", "PUT /v1/limits/a "]),
        (
            ReasonCode.LIMIT_HELD,
            {"key": "a", "until_ms": NOON_MS},
            [NOON, "POST /v1/limits/a/backoff with `for_ms: 0`"],
        ),
        (ReasonCode.ORDERING, {"key": "o", "job_id": RAW_ID}, [f"GET /v1/jobs/{ID}/explain"]),
        (ReasonCode.BEHIND, {"position": 1}, ["1 other goes before"]),
        (ReasonCode.BEHIND, {"position": 7}, ["7 others go before"]),
        (ReasonCode.NO_POLLER, {"seen_ms": NOON_MS}, [f"since {NOON}", "Start a worker"]),
    ],
)
def test_a_reason_names_its_numbers_and_the_call_that_changes_them(
    code: ReasonCode, facts: dict[str, Any], words: list[str]
) -> None:
    text = detail(code, **facts)
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (
            job(State.DEAD, reason="max_attempts"),
            ["dead (max_attempts)", f"/v1/jobs/{ID}/attempts", f"/v1/jobs/{ID}/retry"],
        ),
        (job(State.CANCELLED, reason="typo"), ["cancelled (typo)", "enqueue it anew"]),
        (job(State.SUCCEEDED), ["succeeded", f"GET /v1/jobs/{ID}/result"]),
    ],
)
def test_an_end_says_what_can_still_be_done(of: Job, words: list[str]) -> None:
    text = detail(ReasonCode.ENDED, of)
    assert [word for word in words if word not in text] == []


def test_a_lease_names_its_worker_and_whether_it_shall_end() -> None:
    held = job(State.LEASED, worker="w1")
    assert detail(ReasonCode.LEASED, held, until_ms=NOON_MS).startswith(f"The worker w1 holds the job until {NOON}.")
    asked = job(State.LEASED, worker="w1", cancel_requested=True)
    assert "mode `hard`" in detail(ReasonCode.LEASED, asked)


def test_the_numbers_are_there_for_programs_too() -> None:
    reason = Reason(code=ReasonCode.LIMIT_CONCURRENCY, key="a", in_use=2, limit=3)
    document = explain.explanation(Explanation(job=job(), reasons=[reason], now_ms=NOON_MS))
    assert (document.job_id, document.state, document.server_time) == (ID, "ready", NOON)
    [fact] = document.reasons
    assert (fact.code, fact.key, fact.in_use, fact.limit) == ("limit_concurrency", "a", 2, 3)


def test_a_job_without_a_reason_has_its_state() -> None:
    assert explain.explanation(Explanation(job=job(), reasons=[], now_ms=0)).summary == "The job is ready."
