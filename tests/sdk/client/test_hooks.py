"""Hooks and middleware: who is called with what, in which order, and what their own errors do."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from headrace import App, Request, SoftTimeLimitExceeded
from headrace.hooks import EVENTS, Hooks

REQUEST = Request(id="j", task="t", queue="q")


def test_a_hook_is_called_with_the_facts_that_it_names() -> None:
    hooks, heard = Hooks(), list[Any]()
    hooks.on("after_task", lambda: heard.append("nothing"))
    hooks.on("after_task", lambda outcome, request: heard.append((request, outcome)))
    hooks.on("after_task", lambda *, error=None, mine=5: heard.append((error, mine)))
    hooks.on("after_task", lambda **facts: heard.append(sorted(facts)))
    hooks.fire("after_task", request=REQUEST, outcome="returned", result=1, error=None)
    assert heard == ["nothing", (REQUEST, "returned"), (None, 5), ["error", "outcome", "request", "result"]]


def test_a_hook_that_could_never_be_called_is_refused() -> None:
    with pytest.raises(TypeError, match="no event has 'job'; hooks are called with some of error, outcome, request"):
        Hooks().on("before_task", lambda job: None)
    with pytest.raises(ValueError, match="there is no event 'before_tsk'; there are worker_start"):
        Hooks().on("before_tsk", lambda: None)  # type: ignore[arg-type]

    async def waits() -> None: ...

    with pytest.raises(TypeError, match="a plain function"):
        Hooks().on("before_task", waits)
    with pytest.raises(TypeError, match="generator function"):
        Hooks().use(lambda request: None)  # type: ignore[arg-type, return-value]


def test_a_hook_that_fails_is_logged_and_the_next_is_called(caplog: pytest.LogCaptureFixture) -> None:
    hooks, heard = Hooks(), list[str]()

    def broken() -> None:
        raise ValueError("broken")

    hooks.on("task_success", broken)
    hooks.on("task_success", lambda: heard.append("next"))
    with caplog.at_level(logging.ERROR, "headrace.hooks"):
        hooks.fire("task_success", request=REQUEST, result=None)
    assert heard == ["next"]
    assert "broken of task_success failed" in caplog.text
    assert "ValueError: broken" in caplog.text


def test_the_soft_time_limit_gets_through_a_hook() -> None:
    hooks = Hooks()

    def slow() -> None:
        raise SoftTimeLimitExceeded

    hooks.on("before_task", slow)
    with pytest.raises(SoftTimeLimitExceeded):
        hooks.fire("before_task", request=REQUEST)


def test_every_event_can_be_heard_and_fired() -> None:
    app, heard = App(), list[str]()
    for event in EVENTS:
        app.on(event)(lambda event=event, **_: heard.append(event))  # type: ignore[arg-type, misc]
        app.hooks.fire(event, request=REQUEST)  # type: ignore[arg-type]
    assert heard == list(EVENTS)


def test_what_decorates_returns_the_function() -> None:
    app = App()

    def hook() -> None: ...

    def wrap(request: Request) -> Iterator[None]:
        yield

    assert app.on("child_start")(hook) is hook
    assert app.middleware(wrap) is wrap


def tracer(name: str, heard: list[str]) -> Any:
    def around(request: Request) -> Iterator[None]:
        heard.append(f"{name} in")
        try:
            yield
            heard.append(f"{name} out")
        except ValueError as error:
            heard.append(f"{name} {error}")
            raise

    return around


def test_middleware_is_around_the_run_the_first_outermost() -> None:
    hooks, heard = Hooks(), list[str]()
    hooks.use(tracer("a", heard))
    hooks.use(tracer("b", heard))
    with hooks.around(REQUEST):
        heard.append("run")
    assert heard == ["a in", "b in", "run", "b out", "a out"]
    heard.clear()
    with pytest.raises(ValueError, match="bad"), hooks.around(REQUEST):
        raise ValueError("bad")
    assert heard == ["a in", "b in", "b bad", "a bad"]


def test_middleware_may_refuse_to_run_and_those_around_it_hear_of_it() -> None:
    hooks, heard = Hooks(), list[str]()
    hooks.use(tracer("a", heard))

    def refuse(request: Request) -> Iterator[None]:
        raise ValueError(f"not {request.task}")
        yield

    hooks.use(refuse)
    with pytest.raises(ValueError, match="not t"), hooks.around(REQUEST):
        pytest.fail("it ran")
    assert heard == ["a in", "a not t"]


def test_an_error_instead_of_a_run_cannot_be_hidden() -> None:
    hooks = Hooks()

    def hide(request: Request) -> Iterator[None]:
        with contextlib.suppress(ValueError):
            yield

    def refuse(request: Request) -> Iterator[None]:
        raise ValueError("no")
        yield

    hooks.use(hide)
    with hooks.around(REQUEST):
        raise ValueError("of the task")
    hooks.use(refuse)
    with pytest.raises(ValueError, match="no"), hooks.around(REQUEST):
        pytest.fail("it ran")

    async def anew() -> None:
        async with hooks.around(REQUEST):
            pytest.fail("it ran")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(anew())


def test_both_kinds_of_middleware_are_around_a_coroutine_and_one_around_a_function() -> None:
    hooks, heard = Hooks(), list[str]()
    hooks.use(tracer("plain", heard))

    async def awaits(request: Request) -> AsyncIterator[None]:
        heard.append("async in")
        try:
            yield
        finally:
            await asyncio.sleep(0)
            heard.append("async out")

    hooks.use(awaits)

    async def run(error: Exception | None = None) -> None:
        async with hooks.around(REQUEST):
            heard.append("run")
            if error is not None:
                raise error

    asyncio.run(run())
    assert heard == ["plain in", "async in", "run", "async out", "plain out"]
    heard.clear()
    with pytest.raises(ValueError, match="bad"):
        asyncio.run(run(ValueError("bad")))
    assert heard == ["plain in", "async in", "run", "async out", "plain bad"]
    heard.clear()
    with hooks.around(REQUEST):
        heard.append("run")
    assert heard == ["plain in", "run", "plain out"]


WHO: ContextVar[str] = ContextVar("who")


def test_a_contextvar_of_a_hook_is_seen_by_the_task() -> None:
    app, heard = App(), list[str]()
    app.on("before_task")(lambda request: WHO.set(request.headers["who"]))

    @app.middleware
    def around(request: Request) -> Iterator[None]:
        WHO.set(WHO.get() + "!")
        yield
        heard.append(WHO.get())

    @app.task
    def plain() -> str:
        return WHO.get()

    @app.task
    async def coroutine() -> str:
        await asyncio.sleep(0)
        return WHO.get()

    assert plain.apply(headers={"who": "ann"}).get() == "ann!"
    assert coroutine.apply(headers={"who": "bob"}).get() == "bob!"
    assert heard == ["ann!", "bob!"]
    assert WHO.get("nobody") == "nobody"
