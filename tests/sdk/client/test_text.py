"""What the command line prints: the API's document for programs, one field a line for people."""

import json
import re
from datetime import UTC, datetime

from headrace import (
    Attempt,
    AttemptOutcome,
    Event,
    Explanation,
    Job,
    JobError,
    Limit,
    Operation,
    OperationState,
    Queue,
    QueueSettings,
    QueueStats,
    QueueSummary,
    Rate,
    Raw,
    Reason,
    ReasonCode,
    RetryPolicy,
    State,
    _tables,
    _text,
)
from headrace._read import read_job
from headrace.commands._settings import changed

from tests.sdk.client.drive import ID, job

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def shown(made: Job) -> dict[str, str]:
    """Return the table of a job as name -> text."""
    return {line.partition(" ")[0]: line.partition(" ")[2].strip() for line in _text.job_table(made).splitlines()}


def test_json_is_the_document_that_the_server_sent() -> None:
    document = job(state="succeeded", result={"a": [1]}, error={"type": "E", "message": "m"}, meta={"tenant": 1})
    assert json.loads(_text.as_json(_text.document(read_job(document)))) == document
    assert json.loads(_text.as_json(_text.document(read_job(job())))) == job()


def test_a_table_shows_values_as_json_and_errors_as_one_line() -> None:
    table = shown(read_job(job(state="dead", payload="text", error={"type": "E", "message": "m", "stack": "s"})))
    assert table["payload"] == '"text"'
    assert table["error"] == "E: m"
    assert "meta" not in table


def test_a_result_of_nothing_is_shown_once_the_job_has_succeeded() -> None:
    assert shown(read_job(job(state="succeeded")))["result"] == "null"
    assert "result" not in shown(read_job(job()))


def test_a_table_is_safe_to_print() -> None:
    """A text from a job must not drive the terminal."""
    table = _text.job_table(read_job(job(payload="\x1b[31mred\n\x07", reason="\x1b]0;title\x07")))
    assert "\x1b" not in table
    assert "\x07" not in table
    assert len(table.splitlines()) == len(_text.document(read_job(job(payload="", reason="r"))))


def test_a_long_value_is_cut_in_a_table_only() -> None:
    long = read_job(job(payload="x" * 1000))
    assert shown(long)["payload"].endswith("... (1002 characters)")
    assert "x" * 1000 in _text.as_json(_text.document(long))


def test_what_cannot_be_read_is_told_by_size() -> None:
    assert _text.document(Raw(b"abc", "text/xml")) == "<3 bytes of text/xml>"


def test_queues_are_columns_under_their_names() -> None:
    counts = {State.READY: 12, State("paused"): 1}
    lines = _text.queue_table(
        [
            QueueStats(queue="mail", counts=counts, backlog=15, oldest_ready_age_ms=90_500),
            QueueStats(queue="a-much-longer-name", counts={}),
        ]
    ).splitlines()
    assert lines[1].split() == ["mail", "15", "12", "0", "0", "0", "0", "0", "0", "90.5", "s"]
    assert lines[2].split()[-1] == "-"
    assert lines[0].index("READY") + len("READY") == lines[1].index("12") + len("12")


def test_jobs_are_lines_that_say_why_they_are_where_they_are() -> None:
    dead = job(state="dead", reason="max_attempts", error={"type": "E", "message": "m" * 100}, attempt=3)
    asked = job(state="leased", cancel_requested=True, reason="too late\x1b[31m")
    head, first, second = _tables.jobs([read_job(dead), read_job(asked)]).splitlines()
    assert first.startswith(f"{ID}  dead    default  demo.add")
    assert first.endswith("max_attempts, E: " + "m" * 77 + "...")
    assert "3/3" in first
    assert second.endswith("cancel requested, too late [31m")
    assert head.index("WHY") == second.index("cancel requested")


def test_a_queue_shows_its_settings_in_the_words_that_set_them() -> None:
    settings = QueueSettings(
        lease_ms=90_000,
        retry=RetryPolicy(max_attempts=2, non_retryable=("A", "B")),
        rate=Rate(count=100, per_ms=60_000, burst=20),
    )
    queue = Queue(
        queue="mail",
        counts={State.READY: 2},
        oldest_ready_age_ms=90_500,
        paused=True,
        paused_until=NOON,
        settings=settings,
    )
    shown = dict(re.split(r"  +", line, maxsplit=1) for line in _tables.queue(queue).splitlines())
    assert shown["is"] == "paused until 2026-01-02 12:00:00Z"
    assert shown["oldest ready"].startswith("90")
    words = [f"{name.removeprefix('set: ')}={value}" for name, value in shown.items() if name.startswith("set: ")]
    assert changed(QueueSettings(), words) == settings


def test_a_paused_queue_says_so_in_the_list() -> None:
    queues = [QueueSummary(queue="mail", counts={}, paused=True, draining=True), QueueSummary(queue="b", counts={})]
    lines = _text.queue_table(queues).splitlines()
    assert lines[1].startswith("mail (paused, draining) ")
    assert lines[2].startswith("b  ")


def test_limits_and_operations_are_lines() -> None:
    limits = [Limit(name="stripe", leased=2, rate=Rate(count=5, per_ms=250)), Limit(name="a", held_until=NOON)]
    lines = _tables.limits(limits).splitlines()
    assert lines[1].split() == ["stripe", "2", "-", "5/250ms", "5", "-"]
    assert lines[2].split() == ["a", "0", "-", "-", "-", "2026-01-02", "12:00:00Z"]
    operation = Operation(id=ID, action="retry", state=OperationState.DONE, dry_run=True, matched=7, sample=("a", "b"))
    assert _tables.operations([operation]).splitlines()[1].split()[1:8] == [
        "retry",
        "(dry",
        "run)",
        "done",
        "0",
        "7",
        "0",
    ]
    assert _tables.operation(operation).splitlines()[-2:] == ["  a", "  b"]


def test_an_event_is_one_line() -> None:
    moved = Event(
        cursor="c",
        job_id=ID,
        queue="q",
        task="t",
        was=State.LEASED,
        state=State.DEAD,
        worker="w",
        reason="x\ny",
        at=NOON,
    )
    assert _tables.event(moved) == f"12:00:00.000  {ID}  q  t  leased -> dead by w (x y)"
    new = Event(cursor="c", job_id=ID, queue="q", task="t", state=State.READY, at=NOON)
    assert _tables.event(new).endswith("  q  t  new -> ready")
    assert "missing" in _tables.event(Event(cursor="c", type="gap"))


def test_an_explanation_is_a_sentence_and_its_reasons() -> None:
    reason = Reason(code=ReasonCode.LIMIT_HELD, detail="stripe is held back")
    told = Explanation(job_id=ID, state=State.READY, summary="It waits.", reasons=(reason,))
    assert _tables.explanation(told) == f"{ID} is ready: It waits.\n  limit_held: stripe is held back"


def test_an_attempt_is_a_line() -> None:
    failed = Attempt(
        attempt=1, delivery=2, outcome=AttemptOutcome.FAILED, started_at=NOON, error=JobError(type="E", message="m")
    )
    assert _tables.attempts([failed]).splitlines()[1].split() == [
        *("1", "2", "failed", "-", "2026-01-02", "12:00:00Z", "-", "E:", "m"),
    ]
