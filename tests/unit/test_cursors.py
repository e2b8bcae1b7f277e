"""Cursors as text: what is read is what was written, and a command line takes them for values."""

import pytest
from headrace_server.domain.finding import CursorInvalid
from headrace_server.engine import cursors


def test_a_cursor_begins_with_a_letter_and_so_is_no_option_of_a_command() -> None:
    written = [cursors.write([place], "events") for place in range(1000)]  # one in 64 would begin with each character
    assert {cursor[0] for cursor in written if not cursor[0].isalpha()} == set()
    assert [cursors.read(cursor, list[int], "events") for cursor in written] == [[place] for place in range(1000)]


def test_a_cursor_of_another_thing_is_refused() -> None:
    with pytest.raises(CursorInvalid, match="another filter"):
        cursors.read(cursors.write([1], "events"), list[int], "checks")
