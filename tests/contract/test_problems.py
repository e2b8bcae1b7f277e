"""One table of problems: in the code, in the document and on the pages."""

import pytest
from headrace_server.api.meanings import MEANINGS
from headrace_server.api.problems import KINDS, UNKNOWN_STATUS
from headrace_server.domain.errors import Code, NotDone, Unknown

from tests.support.contract import document, operations, resolve

ERRORS = [
    (int(status), resolve(reply))
    for o in operations()
    for status, reply in o.spec["responses"].items()
    if status >= "400"
]
SCHEMAS = document()["components"]["schemas"]


def test_the_document_knows_the_codes_of_the_table() -> None:
    assert SCHEMAS["ProblemCode"]["enum"] == list(KINDS)


def test_every_code_can_come_from_somewhere() -> None:
    listed = {code for _, reply in ERRORS for code in reply["x-problem-codes"]}
    assert listed | set(document()["x-problem-codes"]) == set(KINDS)


def test_a_code_stands_under_its_own_status() -> None:
    store = {code.value for code in Code}
    wrong = [
        (status, code)
        for status, reply in ERRORS
        for code in reply["x-problem-codes"]
        if KINDS[code].status != status and not (status == UNKNOWN_STATUS and code in store)
    ]
    assert wrong == []


def test_every_fault_of_the_store_has_a_problem() -> None:
    assert {code.value for code in Code} <= set(KINDS)


def test_every_problem_has_its_meaning_and_its_remedy() -> None:
    assert list(MEANINGS) == list(KINDS)
    assert [code for code, kind in KINDS.items() if not (kind.title and kind.remedy and MEANINGS[code])] == []


def test_outcomes_are_those_of_the_domain() -> None:
    words = SCHEMAS["ProblemOutcome"]["enum"]
    assert words == [NotDone.outcome, Unknown.outcome]
    assert {kind.outcome for kind in KINDS.values()} == set(words)


@pytest.mark.parametrize("status", sorted({kind.status for kind in KINDS.values()}))
def test_examples_of_problems_are_as_the_server_writes_them(status: int) -> None:
    examples = [
        e["value"]
        for s, reply in ERRORS
        if s == status
        for c in reply["content"].values()
        for e in c["examples"].values()
    ]
    for example in examples:
        kind = KINDS[example["code"]]
        told = {name: example[name] for name in ("type", "title", "status", "outcome", "retryable")}
        assert told == {
            "type": f"/problems/{example['code']}",
            "title": kind.title,
            "status": kind.status,
            "outcome": kind.outcome,
            "retryable": kind.retryable,
        }
