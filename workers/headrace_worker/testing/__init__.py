"""A worker inside of a test: the real one, on a thread of the test's process, so that a debugger reaches the tasks.

Names are loaded when they are first used: pytest imports this package in every run.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace_worker.testing.thread import WorkerThread

__all__ = ["WorkerThread"]


def __getattr__(name: str) -> Any:
    if name != "WorkerThread":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from headrace_worker.testing.thread import WorkerThread

    return WorkerThread
