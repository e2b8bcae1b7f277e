"""What a page expects is found wanting where it differs, and nowhere else."""

import pytest

from tests.docs.reader import difference, reads_like


@pytest.mark.parametrize(
    ("expected", "shown"),
    [
        ({"state": "ready"}, {"state": "ready", "id": "a"}),
        ({"jobs": [{"task": "t"}]}, {"jobs": [{"task": "t", "queue": "q"}]}),
        ({"id": "..."}, {"id": "a"}),
        ({"detail": "held until ..."}, {"detail": "held until noon"}),
        ({"error": {"type": "T"}}, {"error": {"type": "T", "message": "m"}}),
    ],
)
def test_what_a_page_leaves_out_is_no_difference(expected: object, shown: object) -> None:
    assert difference(expected, shown) == {}


@pytest.mark.parametrize(
    ("expected", "shown", "found"),
    [
        ({"state": "ready"}, {"state": "dead"}, {"/state": "dead"}),
        ({"id": "..."}, {}, {"/id": None}),
        ({"jobs": []}, {"jobs": [1]}, {"/jobs": [1]}),
        ({"jobs": [{"task": "t"}, {"task": "u"}]}, {"jobs": [{"task": "t"}, {"task": "v"}]}, {"/jobs/1/task": "v"}),
        ({"error": {"type": "T"}}, {"error": "T"}, {"/error": "T"}),
        ({"detail": "held until ..."}, {"detail": "held"}, {"/detail": "held"}),
    ],
)
def test_a_difference_is_found_at_its_place(expected: object, shown: object, found: object) -> None:
    assert difference(expected, shown) == found


def test_dots_stand_for_anything_on_their_line_and_alone_for_more_lines() -> None:
    assert reads_like("id ...\nready (1)", "id 0190-ab\nready (1)")
    assert reads_like("id\n...", "id")
    assert reads_like("id\n...", "id\n1\n2")
    assert reads_like("id\n...\nend", "id\n1\n2\nend")
    assert not reads_like("id\n...\nend", "id\n1\n2")
    assert not reads_like("id ...", "id 0190-ab\nready (1)")
    assert not reads_like("ready (1)", "ready (2)")
