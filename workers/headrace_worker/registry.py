"""The tasks of an app, looked up by their names; it must not run any of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from headrace import App, BaseTask
from headrace.annotations import Shape
from headrace.durations import seconds
from headrace.hooks import Hooks
from headrace.serializers import Serializers

from headrace_worker.hands import Plan, TaskFacts


@dataclass(frozen=True)
class Handler:
    """A task as the executor needs it, with what the app says for all of them."""

    name: str
    function: Callable[..., Any]  # with the bound argument already given
    is_async: bool
    shape: Shape
    facts: TaskFacts
    retries: Callable[[BaseException], bool]  # whether an error is worth another attempt
    hooks: Hooks
    serializers: Serializers
    serializer: str  # of the result


Handlers = Mapping[str, Handler]


def handlers(app: App) -> dict[str, Handler]:
    """Return what the executor needs of each task of an app, by the task's name."""
    app.serializers.check()
    return {name: _handler(app, task) for name, task in app.tasks.items()}


def plan_of(app: App) -> Plan | None:
    """Return what an app says is periodic; None where it wants somebody else to tell, or has nothing to say.

    Raises TypeError or ValueError for a call that its task does not take.
    """
    plan = Plan(app.schedule_owner, app.schedule_documents())
    return plan if app.conf.beat_apply and any(plan) else None


def _handler(app: App, task: BaseTask[Any, Any]) -> Handler:
    options = task.in_force
    return Handler(
        name=task.name,
        function=task.run,
        is_async=task.is_async,
        shape=task.shape,
        facts=TaskFacts(
            queue=task.queue,
            time_limit_s=seconds(options.time_limit),
            soft_time_limit_s=seconds(options.soft_time_limit),
            rate_limit=options.rate_limit,
        ),
        retries=options.retries,
        hooks=app.hooks,
        serializers=app.serializers,
        serializer=app.conf.result_serializer,
    )
