"""The wait after a failure, and the errors that no retry mends: the rules, and the script's copies of them."""

import random

import pytest
from headrace_server.domain.jobs import Body, NewJob
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import EnqueueGroup, LeaseAsk, Nack
from headrace_server.domain.retry import Backoff, RetryPolicy, is_non_retryable, wait_ms
from headrace_server.engine import Engine

POLICY = {"initial_ms": 1_000, "factor": 2.0, "max_ms": 10_000}


@pytest.mark.parametrize(
    ("backoff", "waits"),
    [
        (Backoff.EXPONENTIAL, [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]),
        (Backoff.LINEAR, [1_000, 2_000, 3_000, 4_000, 5_000, 6_000]),
        (Backoff.CONSTANT, [1_000] * 6),
    ],
)
def test_the_wait_grows_as_the_policy_says(backoff: Backoff, waits: list[int]) -> None:
    assert [wait_ms(attempt=n, backoff=backoff, jitter=None, **POLICY) for n in range(1, 7)] == waits  # type: ignore[arg-type]


def test_full_jitter_is_any_part_of_the_wait() -> None:
    waits = [wait_ms(attempt=3, backoff=Backoff.EXPONENTIAL, jitter=j, **POLICY) for j in (0.0, 0.25, 0.999)]  # type: ignore[arg-type]
    assert waits == [0, 1_000, 3_996]


def test_the_thousandth_attempt_does_not_overflow() -> None:
    wait = wait_ms(attempt=1_000, backoff=Backoff.EXPONENTIAL, initial_ms=1, factor=10.0, max_ms=5, jitter=None)
    assert wait == 5


@pytest.mark.anyio
async def test_the_script_waits_as_the_rule_says(store_url: str) -> None:
    """Two hundred random policies: the announced run time is the rule's, to the millisecond."""
    seed = random.Random(7)
    jitter = 0.0
    engine = Engine(store_url, jitter=lambda: jitter)
    await engine.start()
    for _ in range(200):
        jitter = seed.random()
        policy = RetryPolicy(
            max_attempts=5,
            backoff=seed.choice(list(Backoff)),
            initial_ms=seed.randrange(0, 100_000),
            factor=seed.choice([1.0, 1.5, 2.0, 3.7, 10.0]),
            max_ms=seed.choice([0, 999, 60_000, 86_400_000]),
            jitter=seed.random() < 0.5,
        )
        job = NewJob(id=engine.new_id("q"), task="t", queue="q", payload=Body(b"1"), retry=policy)
        await engine.enqueue(EnqueueGroup([job]))
        (leased,) = (await engine.lease(LeaseAsk(queues=["q"]))).jobs
        (answer,) = await engine.settle([Nack(job_id=leased.id, token=leased.token, error=b"{}")])
        assert policy.backoff is not None
        assert policy.initial_ms is not None
        assert policy.factor is not None
        assert policy.max_ms is not None
        expected = wait_ms(
            attempt=1,
            backoff=policy.backoff,
            initial_ms=policy.initial_ms,
            factor=policy.factor,
            max_ms=policy.max_ms,
            jitter=jitter if policy.jitter else None,
        )
        assert answer.run_at_ms is not None  # type: ignore[union-attr]
        assert answer.run_at_ms - answer.now_ms == expected  # type: ignore[union-attr]
    await engine.close()


@pytest.mark.parametrize(
    ("pattern", "error_type", "found"),
    [
        ("ValueError", "ValueError", True),
        ("ValueError", "ValueErrors", False),
        ("ValueError", "Value", False),
        ("Auth.*", "Auth.Expired", True),
        ("Auth.*", "Auth.", True),
        ("Auth.*", "AuthXExpired", False),  # a dot is a dot
        ("*Refused", "CardRefused", True),
        ("*Refused", "CardRefusedTwice", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("*", "", True),
        ("", "", True),
        ("", "A", False),
        ("[A-Z]%a", "[A-Z]%a", True),
        ("[A-Z]%a", "Bb", False),
        ("A*", "A\nB", True),  # a star takes line ends too
    ],
)
def test_a_star_stands_for_anything_and_all_else_for_itself(pattern: str, error_type: str, found: bool) -> None:
    assert is_non_retryable(error_type, (pattern,)) is found
    assert is_non_retryable(error_type, ("no such type", pattern)) is found


def test_no_pattern_is_of_no_type() -> None:
    assert not is_non_retryable("", ())


@pytest.mark.anyio
async def test_the_script_finds_patterns_as_the_rule_does(store_url: str) -> None:
    """Three hundred random patterns of few characters, some of which mean something to Lua, and types like them."""
    seed = random.Random(11)
    engine = Engine(store_url)
    await engine.start()
    verdicts = {True: 0, False: 0}
    for _ in range(300):
        patterns = tuple(_word(seed, "aab*.%[-", 1) for _ in range(seed.randrange(1, 4)))
        error_type = _like(seed, seed.choice(patterns))
        policy = RetryPolicy(max_attempts=9, non_retryable=patterns)
        job = NewJob(id=engine.new_id("q"), task="t", queue="q", payload=Body(b"1"), retry=policy)
        await engine.enqueue(EnqueueGroup([job]))
        (leased,) = (await engine.lease(LeaseAsk(queues=["q"]))).jobs
        item = Nack(job_id=leased.id, token=leased.token, error=b"{}", error_type=error_type, retry_in_ms=86_400_000)
        (answer,) = await engine.settle([item])
        expected = is_non_retryable(error_type, patterns)
        assert answer.state is (State.DEAD if expected else State.RETRYING), f"{error_type!r} of {patterns}"  # type: ignore[union-attr]
        verdicts[expected] += 1
    assert min(verdicts.values()) > 50
    await engine.close()


def _like(seed: random.Random, pattern: str) -> str:
    """Return a type that is of the pattern, or was until one of its letters changed."""
    found = "".join(_word(seed, "ab.", 0) if letter == "*" else letter for letter in pattern)
    at = seed.randrange(len(found) + 1)
    return found if seed.random() < 0.5 else found[:at] + seed.choice("ab.") + found[at + 1 :]


def _word(seed: random.Random, letters: str, shortest: int) -> str:
    return "".join(seed.choice(letters) for _ in range(seed.randrange(shortest, 6)))
