"""A worker inside of a test: the real one, on a thread of the test's process, so that a debugger reaches the tasks."""

from headrace_worker.testing.thread import WorkerThread

__all__ = ["WorkerThread"]
