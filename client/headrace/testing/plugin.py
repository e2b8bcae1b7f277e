"""The fixtures that pytest finds by itself: a real server, an app bound to it, its clock, and looks at what was sent.

It is loaded into every run of pytest beside this package, so it imports nothing before a test asks for it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from headrace.app import App
    from headrace.testing.clock import Clock
    from headrace.testing.enqueued import AssertEnqueued
    from headrace.testing.server import Server


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the setting that names the app under test."""
    parser.addini("headrace_app", "the app under test, as module:app; the fixture headrace_app is that one")


@pytest.fixture(scope="session")
def headrace_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Server"]:
    """A real server on an embedded store of its own, for the session (of each worker of pytest-xdist): `.url`."""
    from headrace.testing.server import Server

    with Server(tmp_path_factory.mktemp("headrace") / "server") as server:
        yield server


@pytest.fixture
def headrace_app(
    headrace_server: "Server", request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator["App"]:
    """The app under test, bound to the test server, which is empty as the test begins.

    It is the one that the setting `headrace_app` names; without the setting, a new one for each test. HEADRACE_URL
    names the test server meanwhile, so programs that the test starts find it, too.
    """
    from headrace.testing.binding import bound, find

    app = find(request.config.getini("headrace_app"))
    headrace_server.reset()
    monkeypatch.setenv("HEADRACE_URL", headrace_server.url)
    monkeypatch.delenv("HEADRACE_TOKEN", raising=False)
    with bound(app, headrace_server.url):
        yield app


@pytest.fixture
def headrace_clock(headrace_app: "App") -> "Clock":
    """The test server's clock: `headrace_clock.advance("3d")`, `headrace_clock.now`."""
    from headrace.testing.clock import Clock

    return Clock(headrace_app.client)


@pytest.fixture
def assert_enqueued(headrace_app: "App") -> "AssertEnqueued":
    """Assert what the test has put in: `assert_enqueued(task, args=, kwargs=, queue=, count=)` returns the jobs."""
    from headrace.testing.enqueued import AssertEnqueued

    return AssertEnqueued(headrace_app)


@pytest.fixture
def headrace_eager(request: pytest.FixtureRequest) -> Iterator["App"]:
    """The app under test in eager mode: calls run here and now, with their retries; no server is needed."""
    from headrace.testing.binding import find

    app = find(request.config.getini("headrace_app"))
    eager = app.conf.task_always_eager
    app.conf.task_always_eager = True
    yield app
    app.conf.task_always_eager = eager
