"""App and tasks: registration, what a call becomes, and what is refused before anything is sent."""

import asyncio
import inspect
import sys
import types
from datetime import UTC, datetime, timedelta
from typing import Any, get_overloads, get_type_hints

import pytest
from headrace import App, AsyncTask, Backoff, NotFinished, RetryPolicy, State, Task, TaskCancelled, TaskFailed, Unique
from headrace._watch import Watch, celery_status
from headrace.options import CallOptions, TaskKeywords, TaskOptions, job_options

from tests.sdk.client.drive import ID, job, line, reply

SOON = datetime(2026, 1, 2, tzinfo=UTC)
EVERY_OPTION = TaskOptions(
    queue="q",
    priority=9,
    max_retries=0,
    autoretry_for=(OSError,),
    dont_autoretry_for=(ValueError, "Auth.*"),
    retry_backoff=Backoff.LINEAR,
    default_retry_delay=1.5,
    retry_backoff_max=timedelta(minutes=1),
    retry_jitter=False,
    retry_for=60,
    on_exhausted="discard",
    time_limit=30,
    soft_time_limit=timedelta(seconds=20),
    expires=5,
    max_runtime=timedelta(minutes=2),
    rate_limit="10/m",
    ignore_result=True,
    result_ttl=60,
    serializer="msgpack",
    tags={"a": "b"},
    limits=("stripe",),
    fairness_key="f",
    weight=2,
    ordering_key="o",
    on_dead="hold",
    unique=True,
    lease=60,
    retention=timedelta(hours=1),
    max_crashes=2,
)
AS_OF_THE_JOB = {
    "queue": "q",
    "priority": 9,
    "retry": RetryPolicy(
        max_attempts=1,
        backoff="linear",
        initial_ms=1500,
        max_ms=60_000,
        jitter=False,
        max_elapsed_ms=60_000,
        non_retryable=["ValueError", "Auth.*"],
        on_exhausted="discard",
    ),
    "expires_in_ms": 5000,
    "max_runtime_ms": 120_000,
    "result_ttl_ms": 0,
    "tags": {"a": "b"},
    "limits": ["stripe", "task:t"],
    "fairness_key": "f",
    "weight": 2,
    "ordering_key": "o",
    "on_dead": "hold",
    "unique": Unique(by=("task", "payload")),
    "lease_ms": 60_000,
    "retention_ms": 3_600_000,
    "max_crashes": 2,
}


class Lock:
    pass


def plain(x: int, y: int = 0) -> int:
    """Add."""
    return x + y


async def coroutine(x: int) -> int:
    return x


def test_a_task_runs_in_place_when_it_is_called() -> None:
    app = App()
    assert app.task(plain)(2, y=3) == 5
    assert asyncio.run(app.task(coroutine)(4)) == 4


def test_tasks_are_found_by_name_with_their_function_and_options() -> None:
    app = App()
    task = app.task(name="math.add", queue="q", max_retries=4)(plain)
    assert app.tasks["math.add"] is task
    assert task.fn is plain
    assert task.options == TaskOptions(queue="q", max_retries=4)
    assert (type(task), task.is_async, task.__doc__) == (Task, False, "Add.")
    other = app.task(coroutine)
    assert (type(other), other.is_async) == (AsyncTask, True)


def test_a_task_is_called_module_dot_function() -> None:
    assert App().task(plain).name == f"{__name__}.plain"


@pytest.mark.parametrize(
    ("script", "main", "name"),
    [
        ("/x/jobs.py", None, "jobs.here"),
        ("/x/jobs.py", "shop", "shop.here"),
        ("<stdin>", None, "__main__.here"),
        (None, None, "__main__.here"),
    ],
)
def test_a_task_of_a_script_is_called_as_a_worker_imports_it(
    monkeypatch: pytest.MonkeyPatch, script: str | None, main: str | None, name: str
) -> None:
    def here() -> None: ...

    here.__module__ = "__main__"
    monkeypatch.setitem(sys.modules, "__main__", types.SimpleNamespace(__file__=script))
    assert App(name=main).task(here).name == name


def test_a_name_is_taken_once() -> None:
    app = App()
    app.task(plain)
    with pytest.raises(ValueError, match="already"):
        app.task(plain)


@pytest.mark.parametrize("name", ["a b", "a/b", "ä", "x" * 129])
def test_a_name_that_the_server_would_refuse_is_refused_at_once(name: str) -> None:
    with pytest.raises(ValueError, match="task name"):
        App().task(name=name)(plain)


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(TypeError, match="retries"):
        App().task(retries=3)(plain)  # type: ignore[call-overload]


def test_the_decorator_takes_every_option_that_a_task_can_have() -> None:
    parameters = inspect.signature(get_overloads(App.task)[-1]).parameters
    assert set(parameters) == {"self", "name", "bind", "options"}
    assert get_type_hints(TaskKeywords) == get_type_hints(TaskOptions)


def test_options_of_the_task_become_those_of_the_job() -> None:
    options = job_options(EVERY_OPTION, {}, limit_key="task:t")
    made = {name: value for name, value in options.items() if value is not None}
    assert made == AS_OF_THE_JOB


@pytest.mark.parametrize(
    ("call", "made"),
    [
        ({"countdown": 1.5}, {"delay_ms": 1500}),
        ({"countdown": timedelta(seconds=2)}, {"delay_ms": 2000}),
        ({"countdown": -5}, {"delay_ms": 0}),
        ({"eta": SOON}, {"run_at": SOON}),
        ({"expires": 60}, {"expires_in_ms": 60_000}),
        ({"expires": SOON}, {"expires_at": SOON}),
        ({"queue": "mine", "priority": 0}, {"queue": "mine", "priority": 0}),
        ({"idempotency_key": "k", "meta": {"a": 1}}, {"idempotency_key": "k", "meta": {"a": 1}}),
        ({"max_runtime": 1, "result_ttl": 2}, {"max_runtime_ms": 1000, "result_ttl_ms": 2000}),
        ({"limits": ["b"], "fairness_key": "f", "weight": 2}, {"limits": ["b"], "fairness_key": "f", "weight": 2}),
        ({"ordering_key": "o", "on_dead": "hold"}, {"ordering_key": "o", "on_dead": "hold"}),
        ({"unique": "key"}, {"unique": Unique(key="key")}),
        ({"unique": Unique(key="k", until="start")}, {"unique": Unique(key="k", until="start")}),
    ],
)
def test_options_of_a_call_win_over_those_of_its_task(call: CallOptions, made: dict[str, Any]) -> None:
    task = TaskOptions(queue="tasks", priority=9)
    found = {name: value for name, value in job_options(task, call).items() if value is not None}
    assert found == {"queue": "tasks", "priority": 9, **made}


def test_a_call_adds_its_tags_and_may_do_without_what_its_task_asks_for() -> None:
    task = TaskOptions(tags={"team": "a", "kind": "x"}, unique=True, limits=("stripe",))
    made = job_options(task, {"tags": {"kind": "y"}, "unique": False, "limits": ()})
    assert (made["tags"], made["unique"], made["limits"]) == ({"team": "a", "kind": "y"}, None, ())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"countdown": 1, "eta": SOON}, "countdown or eta"),
        ({"eta": datetime(2026, 1, 2)}, "eta must be an aware datetime"),  # noqa: DTZ001
        ({"expires": datetime(2026, 1, 2)}, "expires must be an aware datetime"),  # noqa: DTZ001
    ],
)
def test_options_that_make_no_sense_are_refused(call: CallOptions, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        job_options(TaskOptions(), call)


def test_a_call_that_cannot_travel_names_its_argument() -> None:
    app = App("http://127.0.0.1:9")

    @app.task
    def send(to: str, when: object, *files: object) -> None: ...

    with pytest.raises(TypeError, match=r"^argument 'when': JSON cannot write this Lock; send plain dicts"):
        send.delay("ann", Lock())
    with pytest.raises(TypeError, match=r"^argument 'when'\['x'\]\[1\]: JSON cannot write this Lock"):
        send.delay("ann", when={"x": [1, Lock()]})
    with pytest.raises(TypeError, match=r"^argument 'files': JSON cannot write this Lock"):
        send.delay("ann", 1, 2, Lock())
    with pytest.raises(TypeError, match=r"^payload\[0\]: JSON cannot write this Lock"):
        app.send_task("elsewhere", [Lock()])
    app.close()


def test_a_task_known_by_name_only_takes_one_kind_of_arguments() -> None:
    with pytest.raises(TypeError, match="by name"):
        App().send_task("elsewhere", [1], {"b": 2})


def test_a_wrong_call_is_refused_where_it_is_made() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        App().task(plain).delay(1, z=2)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("scheduled", "PENDING"),
        ("ready", "PENDING"),
        ("leased", "STARTED"),
        ("retrying", "RETRY"),
        ("succeeded", "SUCCESS"),
        ("dead", "FAILURE"),
        ("cancelled", "REVOKED"),
        ("of_tomorrow", "PENDING"),
    ],
)
def test_states_have_a_name_that_celery_knows(state: str, status: str) -> None:
    assert celery_status(State(state)) == status


def test_a_job_that_has_ended_is_not_asked_for_again() -> None:
    wire = line(reply(job(state="succeeded", result=5)))
    watch = Watch(wire.verbs, ID)
    assert wire.run(watch.get(None, True)) == 5
    assert wire.run(watch.get(None, True)) == 5
    assert wire.run(watch.ready())
    assert wire.run(watch.successful())
    assert not wire.run(watch.failed())
    assert len(wire.sent) == 1


def test_a_dead_job_raises_what_happened_in_the_worker() -> None:
    error = {"type": "ValueError", "message": "bad", "stack": "File ..."}
    wire = line(reply(job(state="dead", reason="max_attempts", error=error)))
    watch = Watch(wire.verbs, ID)
    with pytest.raises(TaskFailed, match="ValueError: bad") as caught:
        wire.run(watch.get(None, True))
    assert caught.value.error is not None
    assert caught.value.error.stack == "File ..."
    returned = wire.run(watch.get(None, False))
    assert type(returned) is TaskFailed


def test_a_cancelled_job_raises_its_own_class() -> None:
    wire = line(reply(job(state="cancelled", reason="expired")))
    with pytest.raises(TaskCancelled, match="expired"):
        wire.run(Watch(wire.verbs, ID).get(None, True))


def test_a_job_that_takes_longer_than_the_time_out_is_not_finished() -> None:
    wire = line(reply(job(state="leased")), reply_takes_s=5)
    with pytest.raises(NotFinished, match="leased after 5 s") as caught:
        wire.run(Watch(wire.verbs, ID).get(5, True))
    assert caught.value.state is State.LEASED


def test_two_event_loops_have_a_client_each() -> None:
    app = App("http://127.0.0.1:9")

    async def client_of_this_loop() -> object:
        client = app.async_client
        assert app.async_client is client
        await app.aclose()
        return client

    assert asyncio.run(client_of_this_loop()) is not asyncio.run(client_of_this_loop())
