"""What the command line prints: the API's document for programs, one field a line for people."""

import json

from headrace import Job, QueueStats, Raw, State, _text
from headrace._read import read_job

from tests.sdk.client.drive import job


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
