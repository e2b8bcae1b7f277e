"""What the state machine may draw about jobs: few values that meet often, so that ties and edges are common."""

import hashlib

from headrace_server.domain.ids import group_of_queue
from headrace_server.domain.jobs import Body, NewJob, OnConflict, OnDead, Unique, UniqueUntil
from headrace_server.domain.requests import Ack, Extend, Nack, Release, Settle, Snooze
from headrace_server.domain.retry import Backoff, OnExhausted, RetryPolicy
from hypothesis import strategies as st

TASKS = ("send", "thumb", "bill")
QUEUES = ("mail", "pics", "mail.high")  # of two shards, mail and pics are on different ones
WORKERS = ("w1", "w2")
SPANS_MS = (0, 1, 999, 1_000, 1_001, 5_000, 30_000, 60_000)
LIMITS = ("api:x", "api:y", "api")
FORGED = b"\xff" * 16

spans = st.sampled_from(SPANS_MS)
queues = st.sampled_from(QUEUES)
workers = st.sampled_from(WORKERS)

policies = st.builds(
    RetryPolicy,
    max_attempts=st.sampled_from([None, 1, 2, 5]),
    backoff=st.sampled_from([None, *Backoff]),
    initial_ms=st.sampled_from([None, 0, 1_000]),
    factor=st.sampled_from([None, 1.0, 1.5, 3.0]),
    max_ms=st.sampled_from([None, 1_000, 4_000]),
    jitter=st.sampled_from([None, True, False]),
    max_elapsed_ms=st.sampled_from([None, None, 1_000, 30_000]),
    non_retryable=st.sampled_from([None, None, ("A",), ("B*", "*X")]),
    on_exhausted=st.sampled_from([None, None, *OnExhausted]),
)
# A wait of none after a run time that was used up would be due in the tick that finds it: its place would be chance.
_steady = st.builds(
    RetryPolicy, max_attempts=st.sampled_from([None, 1, 2]), initial_ms=st.just(1_000), jitter=st.just(False)
)


def _allowed(wish: dict[str, object]) -> dict[str, object]:
    """Leave out what says something about a key that the job does not have."""
    about = {"weight": "fairness_key", "on_dead": "ordering_key"}
    return {name: value for name, value in wish.items() if wish[about.get(name, name)] is not None}


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
_running = st.one_of(
    st.builds(lambda policy: {"retry": policy}, st.one_of(st.none(), st.none(), policies)),
    st.builds(
        lambda ms, policy: {"max_runtime_ms": ms, "retry": policy}, st.sampled_from([1_000, 5_000, 40_000]), _steady
    ),
)
_rest = st.fixed_dictionaries(
    {
        "priority": st.sampled_from([None, None, 0, 100, 101, 255]),
        "lease_ms": st.sampled_from([None, None, 1_000, 5_000]),
        "retention_ms": st.sampled_from([None, None, 60_000]),
        "max_crashes": st.sampled_from([None, None, None, 1, 2]),
        "result_ttl_ms": st.sampled_from([None, None, None, 0, 1_000, 60_000]),
        "payload": st.builds(
            lambda n, media: Body(b'"' + b"x" * (n - 2) + b'"', media=media),
            st.integers(2, 60),
            st.sampled_from([None, None, "image/png"]),
        ),
        "meta": st.sampled_from([None, b'{"k":1}']),
        "trace": st.sampled_from([None, b'{"traceparent":"00"}']),
        "tags": st.sampled_from([None, None, {"user": "kim"}, {"user": "kim", "a": "b"}]),
    }
)
_laned = st.fixed_dictionaries(
    {
        "limits": st.sampled_from([(), *((key,) for key in LIMITS), ("api:x", "api:y")]),
        "fairness_key": st.sampled_from([None, None, "a", "b"]),
        "weight": st.sampled_from([1, 1, 2]),
        "ordering_key": st.sampled_from([None, None, "u", "v"]),
        "on_dead": st.sampled_from([*OnDead]),
    }
).map(_allowed)
_rival = st.builds(
    lambda key, until, ttl, conflict: {"unique_wish": (key, until, ttl, conflict)},
    st.sampled_from(["k", "l"]),
    st.sampled_from([UniqueUntil.FINISH, *UniqueUntil]),
    st.sampled_from([1, 1_000, 30_000]),
    st.sampled_from([*OnConflict]),
)


def _joined(*parts: dict[str, object]) -> dict[str, object]:
    return {name: value for part in parts for name, value in part.items()}


_nothing = st.just(dict[str, object]())
wishes = st.builds(
    _joined,
    *(_when, _until, _running, _rest),
    st.one_of(_nothing, _nothing, _laned),
    st.one_of(_nothing, _nothing, _rival),
)
rivals = st.builds(_joined, _running, _rest, _laned, st.one_of(_nothing, _nothing, _rival))  # for one place now


def new_job(job_id: bytes, queue: str, wish: dict[str, object], now: int) -> NewJob:
    """Return a job as wished; instants in the wish count from `now`, and its unique key belongs to the group."""
    fields = dict(wish)
    for name, field in (("run_at_in", "run_at_ms"), ("expires_at_in", "expires_at_ms")):
        if name in fields:
            fields[field] = now + int(str(fields.pop(name)))
    if "unique_wish" in fields:
        fields["unique"] = _unique_of(queue, *fields.pop("unique_wish"))  # type: ignore[misc]
    return NewJob(id=job_id, task=TASKS[sum(job_id) % len(TASKS)], queue=queue, **fields)  # type: ignore[arg-type]


def _unique_of(queue: str, key: str, until: UniqueUntil, ttl_ms: int, on_conflict: OnConflict) -> Unique:
    digest = hashlib.blake2b(f"{group_of_queue(queue)} {key}".encode(), digest_size=16).digest()
    ttl = ttl_ms if until is UniqueUntil.TTL else None
    return Unique(digest=digest, until=until, ttl_ms=ttl, on_conflict=on_conflict)


def settles(job_id: bytes, token: bytes) -> st.SearchStrategy[Settle]:
    """Any settle, or extend, of a job with a token."""
    lease = {"job_id": st.just(job_id), "token": st.just(token)}
    values = st.sampled_from([None, None, b"1", b'{"at":2}'])
    return st.one_of(
        st.builds(
            Ack,
            **lease,
            result=st.sampled_from([None, Body(b"42"), Body(b"\x00", media="image/png")]),
            result_ttl_ms=st.sampled_from([None, None, 0, 1_000]),
        ),
        st.builds(
            lambda kind, **rest: Nack(error=b'{"type":"%s","message":"a"}' % kind, error_type=kind.decode(), **rest),
            st.sampled_from([b"A", b"B", b"BX", b"CX"]),
            **lease,
            retryable=st.sampled_from([True, True, True, False]),
            retry_in_ms=st.one_of(st.none(), spans),
            discard=st.sampled_from([False, False, False, True]),
        ),
        st.builds(Release, **lease, reason=st.sampled_from(["", "unknown_task"])),
        st.builds(Snooze, **lease, delay_ms=spans, reason=st.sampled_from(["", "later"]), checkpoint=values),
        st.builds(
            Extend,
            **lease,
            lease_ms=st.sampled_from([None, 1_000, 5_000, 60_000]),
            progress=values,
            checkpoint=values,
        ),
    )
