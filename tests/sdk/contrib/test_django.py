"""Headrace in a Django project: its settings, calls that wait for the commit, connections that end with each task."""

from collections.abc import Iterator
from typing import Any

import django
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.backends.signals import connection_created
from django.test import override_settings
from headrace import App
from headrace.testing import AssertEnqueued, Server
from headrace.testing.binding import bound
from headrace_worker.testing import WorkerThread

QUEUE = "django"


@pytest.fixture(scope="module", autouse=True)
def project(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A project of nothing but settings; there is one in a process."""
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path_factory.mktemp("django") / "db.sqlite3")}
    settings.configure(
        DATABASES={"default": database, "other": database},
        INSTALLED_APPS=["headrace.contrib.django"],
        HEADRACE={"TASK_DEFAULT_QUEUE": QUEUE},
        LOGGING_CONFIG=None,
    )
    django.setup()


@pytest.fixture
def app(headrace_server: Server) -> Iterator[App]:
    """The project's app, on the test server."""
    from headrace.contrib.django import app

    headrace_server.reset()
    with bound(app, headrace_server.url):
        yield app


@pytest.fixture
def sent(app: App) -> AssertEnqueued:
    return AssertEnqueued(app)


@pytest.fixture
def opened() -> Iterator[list[Any]]:
    """The connections to databases that were opened."""
    found: list[Any] = []

    def note(connection: Any, **_: Any) -> None:
        found.append(connection)

    connection_created.connect(note)
    yield found
    connection_created.disconnect(note)


def remember(app: App, name: str) -> Any:
    """Return a task that does nothing, made anew for each test."""
    return app.tasks.get(name) or app.task(name=name)(lambda number: None)


def test_the_settings_are_the_projects(app: App) -> None:
    assert app.conf.task_default_queue == QUEUE


def test_a_test_overrides_settings_for_a_while(app: App) -> None:
    with override_settings(HEADRACE_TASK_ALWAYS_EAGER=True, HEADRACE={"RESULT_EXPIRES": 60}):
        overridden = app.conf.task_always_eager, app.conf.result_expires, app.conf.task_default_queue
        assert overridden == (True, 60, None)
    assert (app.conf.task_always_eager, app.conf.result_expires) == (False, None)
    assert app.conf.task_default_queue == QUEUE


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"HEADRACE": "http://a"}, "its key URL"),
        ({"HEADRACE_TASK_ROUTE": {}}, "did you mean 'task_routes'"),
        ({"HEADRACE_BEAT_SCHEDULE": {"e": {"task": "t"}}}, "an entry has a 'schedule'"),
    ],
)
def test_wrong_settings_are_told(app: App, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=said), override_settings(**wrong):
        pass


def test_a_call_waits_for_the_commit(app: App, sent: AssertEnqueued) -> None:
    from headrace.contrib.django import delay_on_commit

    task = remember(app, "wait")
    with transaction.atomic():
        with transaction.atomic():
            delay_on_commit(task, 7)
        sent(task, count=0)
    sent(task, [7], queue=QUEUE, count=1)


def test_a_call_in_a_transaction_that_is_rolled_back_is_not_sent(app: App, sent: AssertEnqueued) -> None:
    from headrace.contrib.django import delay_on_commit

    task = remember(app, "wait")
    with transaction.atomic():
        delay_on_commit(task, 7)
        transaction.set_rollback(True)
    sent(task, count=0)


def test_a_call_that_waits_may_have_options_and_another_database(app: App, sent: AssertEnqueued) -> None:
    from headrace.contrib.django import apply_async_on_commit

    task = remember(app, "wait")
    with transaction.atomic():
        with transaction.atomic(using="other"):
            apply_async_on_commit(task, [7], using="other", queue="slow", countdown=60)
            sent(task, count=0)
        [job] = sent(task, [7], queue="slow", count=1)
    assert job.state == "scheduled"


def test_connections_end_with_each_task(app: App, opened: list[Any]) -> None:
    @app.task(name="ask")
    def ask() -> None:
        connection.cursor().execute("SELECT 1")

    with WorkerThread(app, slots=1) as worker:
        ask.delay_many([()] * 3)
        worker.drain()
    assert len(opened) == 3
    assert [each.connection for each in opened] == [None] * 3


def test_connections_of_coroutines_do_too(app: App, opened: list[Any]) -> None:
    @app.task(name="aask")
    async def aask() -> None:
        await sync_to_async(lambda: connection.cursor().execute("SELECT 1"))()

    with WorkerThread(app, slots=1) as worker:
        aask.delay_many([()] * 3)
        worker.drain()
    assert len(opened) == 3
    assert [each.connection for each in opened] == [None] * 3
