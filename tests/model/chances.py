"""What the state machine may draw: few values that meet often, so that ties and edges are common."""

from headrace_server.domain.jobs import Body, NewJob
from headrace_server.domain.requests import Ack, Extend, Nack, Release, Settle, Snooze
from headrace_server.domain.retry import Backoff, RetryPolicy
from hypothesis import strategies as st

QUEUES = ("mail", "pics", "mail.high")  # of two shards, mail and pics are on different ones
WORKERS = ("w1", "w2")
SPANS_MS = (0, 1, 999, 1_000, 1_001, 5_000, 30_000, 60_000)
FORGED = b"\xff" * 16

spans = st.sampled_from(SPANS_MS)
queues = st.sampled_from(QUEUES)
workers = st.sampled_from(WORKERS)

_policies = st.builds(
    RetryPolicy,
    max_attempts=st.sampled_from([None, 1, 2, 5]),
    backoff=st.sampled_from([None, *Backoff]),
    initial_ms=st.sampled_from([None, 0, 1_000]),
    factor=st.sampled_from([None, 1.0, 1.5, 3.0]),
    max_ms=st.sampled_from([None, 1_000, 4_000]),
    jitter=st.sampled_from([None, True, False]),
)
_when = st.one_of(
    st.just({}),
    st.just({}),
    st.just({}),
    st.builds(lambda ms: {"delay_ms": ms}, spans),
    st.builds(lambda ms: {"run_at_in": ms}, st.sampled_from([-1, 0, 1, 1_000])),
)
_until = st.one_of(
    st.just({}),
    st.just({}),
    st.just({}),
    st.just({}),
    st.builds(lambda ms: {"expires_in_ms": ms}, st.sampled_from([1, 1_000, 5_000, 40_000])),
    st.builds(lambda ms: {"expires_at_in": ms}, st.sampled_from([0, 1, 30_000, 30_001])),
)
_rest = st.fixed_dictionaries(
    {
        "priority": st.sampled_from([None, None, 0, 100, 101, 255]),
        "lease_ms": st.sampled_from([None, None, 1_000, 5_000]),
        "retention_ms": st.sampled_from([None, 60_000]),
        "max_crashes": st.sampled_from([None, None, None, 1, 2]),
        "retry": st.one_of(st.none(), _policies),
        "payload": st.integers(2, 60).map(lambda n: Body(b'"' + b"x" * (n - 2) + b'"')),
        "meta": st.sampled_from([None, b'{"k":1}']),
        "trace": st.sampled_from([None, b'{"traceparent":"00"}']),
    }
)
wishes = st.builds(lambda *parts: {k: v for part in parts for k, v in part.items()}, _when, _until, _rest)


def new_job(job_id: bytes, queue: str, wish: dict[str, object], now: int) -> NewJob:
    """Return a job as wished; instants in the wish count from `now`."""
    fields = dict(wish)
    for name, field in (("run_at_in", "run_at_ms"), ("expires_at_in", "expires_at_ms")):
        if name in fields:
            fields[field] = now + int(str(fields.pop(name)))
    return NewJob(id=job_id, task="t", queue=queue, **fields)  # type: ignore[arg-type]


def settles(job_id: bytes, token: bytes) -> st.SearchStrategy[Settle]:
    """Any settle, or extend, of a job with a token."""
    lease = {"job_id": st.just(job_id), "token": st.just(token)}
    return st.one_of(
        st.builds(Ack, **lease, result=st.sampled_from([None, Body(b"42")])),
        st.builds(
            Nack,
            **lease,
            error=st.sampled_from([b'{"type":"A","message":"a"}', b'{"type":"B","message":"b"}']),
            retryable=st.sampled_from([True, True, True, False]),
            retry_in_ms=st.one_of(st.none(), spans),
        ),
        st.builds(Release, **lease, reason=st.sampled_from(["", "unknown_task"])),
        st.builds(Snooze, **lease, delay_ms=spans),
        st.builds(Extend, **lease, lease_ms=st.sampled_from([None, 1_000, 5_000, 60_000])),
    )
