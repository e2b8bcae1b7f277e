"""The fixture `headrace_worker`, beside those of the client's plugin; it imports nothing before a test asks for it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from headrace import App
    from headrace.testing import Clock

    from headrace_worker.testing.thread import WorkerThread


@pytest.fixture
def headrace_worker(headrace_app: "App", headrace_clock: "Clock") -> Iterator["WorkerThread"]:
    """A worker that runs the tasks of the app under test, in this process: `.drain()` waits until all is done.

    While it works, `headrace_clock.advance` lets it do what falls due on the way.
    """
    from headrace_worker.testing.thread import WorkerThread

    with WorkerThread(headrace_app) as worker:
        headrace_clock.settle = worker.drain
        yield worker
        headrace_clock.settle = None
