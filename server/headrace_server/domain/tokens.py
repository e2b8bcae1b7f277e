"""The verdict on a lease token, as one table read from top to bottom; it must not know how facts are found.

`engine/lua/lib.lua` holds the same table in Lua; the model in the tests decides by this one, step by step.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from headrace_server.domain.ids import sixteens
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import SettleStatus

EXTEND: Final = "extend"
_TOKEN_CHARS: Final = 32


def parse_tokens(texts: Sequence[str]) -> list[bytes] | None:
    """Return the 16 bytes of many tokens, each 32 small hexadecimal digits; None where one of them is anything else."""
    return sixteens("".join(texts)) if set(map(len, texts)) <= {_TOKEN_CHARS} else None


class TokenFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known when a token arrives."""

    verb: str  # ack, nack, release, snooze or extend
    state: State | None  # None: the job is unknown
    is_current: bool  # the token of the last lease, not settled yet
    past_deadline: bool
    settled_with: str | None  # the verb this token settled with, while that is remembered
    cancelled_under: bool = False  # the job was cancelled, by another than its holder, while this token was current


def judge(facts: TokenFacts) -> SettleStatus:
    """Return the verdict: the first line that holds."""
    if facts.state is None:
        return SettleStatus.NOT_FOUND
    if facts.is_current and facts.state is State.LEASED:
        return SettleStatus.LATE if facts.past_deadline else SettleStatus.OK
    if facts.is_current and facts.state is State.READY and facts.verb != EXTEND:
        return SettleStatus.LATE  # reaped, and nobody has leased it since
    if facts.settled_with is not None and facts.settled_with == facts.verb:
        return SettleStatus.REPEATED
    if facts.cancelled_under and facts.state is State.CANCELLED:
        return SettleStatus.JOB_CANCELLED
    return SettleStatus.LEASE_LOST
