"""The verdict on a lease token, line by line."""

import pytest
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import SettleStatus
from headrace_server.domain.tokens import TokenFacts, judge, parse_tokens

VERBS = ("ack", "nack", "release", "snooze", "extend")
SETTLES = VERBS[:-1]


def verdict(
    verb: str,
    state: State | None,
    *,
    current: bool = False,
    late: bool = False,
    settled: str | None = None,
    cancelled: bool = False,
) -> SettleStatus:
    return judge(
        TokenFacts(
            verb=verb,
            state=state,
            is_current=current,
            past_deadline=late,
            settled_with=settled,
            cancelled_under=cancelled,
        )
    )


@pytest.mark.parametrize("verb", VERBS)
def test_a_job_that_is_unknown_is_not_found_whatever_else_is_known(verb: str) -> None:
    assert verdict(verb, None, current=True, settled=verb, cancelled=True) is SettleStatus.NOT_FOUND


@pytest.mark.parametrize("verb", VERBS)
def test_the_holder_is_in_time_before_the_deadline_and_late_after_it(verb: str) -> None:
    assert verdict(verb, State.LEASED, current=True) is SettleStatus.OK
    assert verdict(verb, State.LEASED, current=True, late=True) is SettleStatus.LATE


@pytest.mark.parametrize("verb", SETTLES)
def test_a_settle_after_the_reaper_counts_while_nobody_has_the_job(verb: str) -> None:
    assert verdict(verb, State.READY, current=True) is SettleStatus.LATE


def test_an_extend_after_the_reaper_is_lost() -> None:
    assert verdict("extend", State.READY, current=True) is SettleStatus.LEASE_LOST


@pytest.mark.parametrize("state", [State.SCHEDULED, State.RETRYING, State.SUCCEEDED, State.DEAD])
@pytest.mark.parametrize("verb", VERBS)
def test_a_current_token_of_a_job_that_is_elsewhere_is_lost(verb: str, state: State) -> None:
    assert verdict(verb, state, current=True) is SettleStatus.LEASE_LOST


@pytest.mark.parametrize("state", [*State])
@pytest.mark.parametrize("verb", SETTLES)
def test_the_same_settle_again_is_repeated_and_another_one_is_lost(verb: str, state: State) -> None:
    assert verdict(verb, state, settled=verb) is SettleStatus.REPEATED
    assert all(verdict(other, state, settled=verb) is SettleStatus.LEASE_LOST for other in VERBS if other != verb)


@pytest.mark.parametrize("verb", VERBS)
def test_who_held_a_job_that_somebody_else_cancelled_is_told_so(verb: str) -> None:
    assert verdict(verb, State.CANCELLED, cancelled=True) is SettleStatus.JOB_CANCELLED
    assert verdict(verb, State.CANCELLED) is SettleStatus.LEASE_LOST


def test_a_repeated_settle_goes_before_the_news_of_a_cancel() -> None:
    assert verdict("release", State.CANCELLED, settled="release", cancelled=True) is SettleStatus.REPEATED
    assert verdict("ack", State.CANCELLED, settled="release", cancelled=True) is SettleStatus.JOB_CANCELLED


@pytest.mark.parametrize("text", ["", "0" * 31, "0" * 33, "A" * 32, "g" * 32, " " * 32, "0" * 31 + "\n", "\u0661" * 32])
def test_a_token_is_32_small_digits(text: str) -> None:
    assert parse_tokens(["0a" * 16, "b1" * 16]) == [b"\x0a" * 16, b"\xb1" * 16]
    assert parse_tokens(["0a" * 16, text]) is None
