"""What is replayed is what was sent: whole commands, in the order in which they came."""

import pytest
from comparison.recording import Tape, whole_commands

SET = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\n\r\n*1\r\n"  # its value looks like the protocol
GET = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n"
CALL = b"*3\r\n$5\r\nfcall\r\n$1\r\nf\r\n$1\r\n0\r\n"


def test_commands_are_cut_by_their_lengths() -> None:
    assert list(whole_commands(SET + GET)) == [SET, GET]


@pytest.mark.parametrize("cut", range(len(SET)))
def test_half_a_command_is_none(cut: int) -> None:
    assert list(whole_commands(SET[:cut])) == []


def test_a_tape_keeps_what_changes_the_store_of_every_connection() -> None:
    tape = Tape(1)
    try:
        for at in range(len(CALL)):
            tape.sent(1, CALL[at : at + 1])
            tape.sent(2, GET[at : at + 1])
        tape.sent(2, CALL)
        assert tape.commands == [CALL, CALL]
    finally:
        tape.server_close()
