"""What operators ask for, typed -> what the engine is asked; it must not know who asks."""

from msgspec import UNSET, UnsetType

from headrace_server.api import shapes
from headrace_server.api.build import ms_or_none, or_none, policy
from headrace_server.api.problems import Fault, invalid
from headrace_server.domain.finding import JobFilter
from headrace_server.domain.ids import group_of_queue
from headrace_server.domain.lifecycle import State
from headrace_server.domain.operations import ACTS_ON, Action, OperationAsk
from headrace_server.domain.queues import LimitSettings, QueueSettings, Rate


def listing(given: shapes.ListQuery) -> JobFilter:
    """Return the filter of a query."""
    name, _, value = ("", "", "") if not isinstance(given.tag, str) else given.tag.partition(":")
    return _filter(given, (name, value) if name else None)


def filter_of(given: shapes.FilterInput) -> JobFilter:
    """Return the filter of a body."""
    tag = (given.tag.name, given.tag.value) if isinstance(given.tag, shapes.TagInput) else None
    return _filter(given, tag)


def _filter(given: shapes.ListQuery | shapes.FilterInput, tag: tuple[str, str] | None) -> JobFilter:
    return JobFilter(
        queue=or_none(given.queue),
        states=_states(given.state),
        task=or_none(given.task),
        error_type=or_none(given.error_type),
        tag=tag,
        enqueued_after_ms=ms_or_none(given.enqueued_after),
        enqueued_before_ms=ms_or_none(given.enqueued_before),
        finished_after_ms=ms_or_none(given.finished_after),
        finished_before_ms=ms_or_none(given.finished_before),
    )


def _states(given: State | list[State] | UnsetType) -> tuple[State, ...]:
    """Return each state once, in the order in which jobs go through them."""
    wanted = [] if given is UNSET else [given] if isinstance(given, State) else given
    return tuple(state for state in State if state in wanted)


def queue_settings(given: shapes.QueueSettingsInput) -> QueueSettings:
    """Return the settings of a queue."""
    plain = {name: or_none(getattr(given, name)) for name in given.__struct_fields__ if name not in ("retry", "rate")}
    return QueueSettings(
        **plain,
        retry=policy(given.retry) if isinstance(given.retry, shapes.Retry) else None,
        rate=_rate(given.rate),
    )


def limit_settings(given: shapes.LimitInput) -> LimitSettings:
    """Return the settings of a limit."""
    return LimitSettings(concurrency=or_none(given.concurrency), rate=_rate(given.rate))


def operation(given: shapes.OperationInput) -> OperationAsk:
    """Return a bulk operation. Raises Problem for states that its action cannot have, and for a foreign group."""
    action = Action(given.action.value)
    which = filter_of(given.filter)
    ask = OperationAsk(
        action=action,
        filter=which,
        dry_run=given.dry_run,
        rate_per_s=or_none(given.rate_per_s),
        target_queue=or_none(given.target_queue),
    )
    foreign = [state.value for state in which.states if state not in ACTS_ON[action]]
    if foreign:
        raise invalid([Fault("/filter/state", f"has {', '.join(foreign)}, of which {action.value} has no jobs")])
    if ask.target_queue and which.queue and group_of_queue(ask.target_queue) != group_of_queue(which.queue):
        raise invalid([Fault("/target_queue", "is of another group than the queue of the filter")], "other_group")
    return ask


def purge(queue: str, given: shapes.PurgeInput) -> OperationAsk:
    """Return the removal of the waiting jobs of a queue."""
    wanted = [State(state.value) for state in or_none(given.states) or []]
    which = JobFilter(queue=queue, states=_states(wanted))
    return OperationAsk(action=Action.PURGE, filter=which, dry_run=given.dry_run)


def _rate(given: object) -> Rate | None:
    if not isinstance(given, shapes.RateInput):
        return None
    return Rate(count=given.count, per_ms=given.per_ms, burst=or_none(given.burst) or given.count)
