"""The wait after a failure: the rule itself, and the script's copy of it."""

import random

import pytest
from headrace_server.domain.jobs import Body, NewJob
from headrace_server.domain.requests import EnqueueGroup, LeaseAsk, Nack
from headrace_server.domain.retry import Backoff, RetryPolicy, wait_ms
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
