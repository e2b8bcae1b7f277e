"""Options that tasks and calls have in Celery and not here, and what takes their place: for the errors about them.

A name that means nothing is an error: it would be silently without effect, and `acks_late` or `link` are wishes.
"""

import difflib
from collections.abc import Collection, Mapping
from typing import Final

_STEP: Final = "the last line of a task can send the next one"
_QUEUE: Final = "a job goes to a queue by its name: queue"
_PATIENCE: Final = "the client repeats requests by itself: App(retry=Patience(...))"

OF_TASKS: Final[Mapping[str, str]] = {
    "acks_late": "a job is acknowledged after it ran, always",
    "acks_on_failure_or_timeout": "a run that failed is reported, and tried again: max_retries=0 for one that must not",
    "reject_on_worker_lost": "a job whose worker died is always tried again: max_crashes",
    "track_started": "a job that runs is always in state leased",
    "store_errors_even_if_ignored": "errors are always kept",
    "base": "hooks and middleware of the app go around every run: @app.on, @app.middleware",
    "compression": "leave it out",
    "countdown": "it is an option of a call: task.apply_async(countdown=...)",
    "eta": "it is an option of a call: task.apply_async(eta=...)",
}
OF_CALLS: Final[Mapping[str, str]] = {
    "task_id": "the server makes the id; idempotency_key keeps a call from being sent twice",
    "link": _STEP,
    "link_error": "hooks hear of failures: @app.on('task_failure')",
    "chord": _STEP,
    "chain": _STEP,
    "exchange": _QUEUE,
    "routing_key": _QUEUE,
    "retry": _PATIENCE,
    "retry_policy": _PATIENCE,
    "connection": "the app has its connections",
    "producer": "the app has its connections",
    "compression": "leave it out",
    "delivery_mode": "a job that was answered is durable, always",
    "shadow": "tags find a job by more than its task's name",
}


def check_task_options(given: Collection[str], known: Collection[str]) -> None:
    """Raise TypeError for the first name that is no option of a task."""
    for name in given:
        if name not in known:
            raise TypeError(_words("a task", name, known, OF_TASKS.get(name)))


def check_call_options(given: Collection[str], known: Collection[str], of_tasks: Collection[str]) -> None:
    """Raise TypeError for the first name that is no option of a call; `of_tasks`: those that a task has."""
    for name in given:
        if name not in known:
            instead = f"it is an option of the task: @app.task({name}=...)" if name in of_tasks else OF_CALLS.get(name)
            raise TypeError(_words("a call", name, known, instead))


def _words(what: str, name: str, known: Collection[str], instead: str | None) -> str:
    if instead is not None:
        return f"{name} is no option of {what}; {instead}"
    near = difflib.get_close_matches(name, known, n=1)
    return f"{what} has no option {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
