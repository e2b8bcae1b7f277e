"""What the state machine may draw about queues, limits and operators: small bounds, so that much is in the way."""

from headrace_server.domain.finding import JobFilter
from headrace_server.domain.lifecycle import State
from headrace_server.domain.operations import ACTS_ON, Action, OperationAsk
from headrace_server.domain.queues import LimitSettings, QueueSettings, Rate
from headrace_server.domain.requests import CancelAsk, CancelMode, Patch, Redrive
from hypothesis import strategies as st

from tests.model import chances

_rates = st.sampled_from([None, None, Rate(count=1, per_ms=1_000, burst=1), Rate(count=3, per_ms=10_000, burst=2)])

settings = st.one_of(
    st.just(QueueSettings()),
    st.builds(
        QueueSettings,
        lease_ms=st.sampled_from([None, 1_000, 5_000]),
        priority=st.sampled_from([None, None, 7, 200]),
        max_crashes=st.sampled_from([None, None, 1, 3]),
        retry=st.one_of(st.none(), chances.policies),
        succeeded_retention_ms=st.sampled_from([None, 60_000]),
        dead_retention_ms=st.sampled_from([None, 60_000]),
        cancelled_retention_ms=st.sampled_from([None, 60_000]),
        result_ttl_ms=st.sampled_from([None, None, 0, 5_000]),
        max_depth=st.sampled_from([None, None, 2, 6]),
        max_bytes=st.sampled_from([None, None, 50, 150]),
        concurrency=st.sampled_from([None, None, 1, 2]),
        rate=_rates,
    ),
)
limits = st.one_of(
    st.builds(LimitSettings, concurrency=st.sampled_from([1, 2]), rate=_rates),
    st.builds(LimitSettings, concurrency=st.none(), rate=_rates.filter(bool)),
)
pauses = st.sampled_from([None, 1, 1_000, 30_000])
filters = st.builds(
    JobFilter,
    queue=st.sampled_from([None, *chances.QUEUES]),
    error_type=st.sampled_from([None, None, None, "A", "LeaseExpired"]),
    tag=st.sampled_from([None, None, ("user", "kim"), ("a", "b")]),
)


def cancels(ids: list[bytes]) -> st.SearchStrategy[CancelAsk]:
    """Any cancel of one of some jobs."""
    return st.builds(
        CancelAsk,
        job_id=st.sampled_from(ids),
        reason=st.sampled_from(["because", "again"]),
        mode=st.sampled_from([CancelMode.SOFT, CancelMode.SOFT, CancelMode.HARD]),
    )


def redrives(ids: list[bytes]) -> st.SearchStrategy[Redrive]:
    """Any redrive of one of some jobs."""
    return st.builds(Redrive, job_id=st.sampled_from(ids), queue=st.sampled_from([None, None, *chances.QUEUES]))


def patches(ids: list[bytes], now: int) -> st.SearchStrategy[Patch]:
    """Any patch of one of some jobs."""
    whole = st.builds(
        Patch,
        job_id=st.sampled_from(ids),
        priority=st.sampled_from([None, 0, 255]),
        delay_ms=st.one_of(st.none(), chances.spans),
        queue=st.sampled_from([None, None, *chances.QUEUES]),
    )
    at = st.builds(Patch, job_id=st.sampled_from(ids), run_at_ms=st.sampled_from([now - 1, now, now + 1, now + 5_000]))
    return st.one_of(whole, at)


@st.composite
def operations(draw: st.DrawFn) -> OperationAsk:
    """Any bulk operation without a rate."""
    action = draw(st.sampled_from([*Action]))
    states = draw(st.sampled_from([(), *((state,) for state in State if state in ACTS_ON[action])]))
    wanted = draw(filters)
    target = draw(st.sampled_from(chances.QUEUES)) if action is Action.MOVE else None
    return OperationAsk(
        action=action,
        filter=JobFilter(queue=wanted.queue, states=states, error_type=wanted.error_type, tag=wanted.tag),
        dry_run=draw(st.sampled_from([False, False, False, True])),
        target_queue=target,
    )
