"""Calls for later: kept, changed, passed on as data, and sent."""

import json
from datetime import timedelta
from typing import Any

import pytest
from headrace import App, Signature


@pytest.fixture
def app() -> App:
    made = App("http://127.0.0.1:9")
    made.conf.task_always_eager = True

    @made.task(name="spell")
    def spell(*args: Any, **more: Any) -> list[Any]:
        return [list(args), more]

    return made


def test_a_call_is_kept_and_sent_later(app: App) -> None:
    call = app.tasks["spell"].s(1, 2)
    assert call.delay().get() == [[1, 2], {}]
    assert app.tasks["spell"].s(a=1).apply_async(kwargs={"b": 2}).get() == [[], {"a": 1, "b": 2}]
    assert call() == [[1, 2], {}]


def test_more_arguments_go_before_those_that_are_there(app: App) -> None:
    spell = app.tasks["spell"]
    assert spell.s(3).delay(1, 2).get() == [[1, 2, 3], {}]
    assert spell.s(a=1, b=1).clone(kwargs={"b": 2}) == spell.s(a=1, b=2)
    assert spell.si(3).delay(1, 2).get() == [[3], {}]


def test_a_call_never_changes(app: App) -> None:
    call = app.tasks["spell"].s(1)
    later = call.set(countdown=5, queue="q")
    assert (call.options, later.options) == ({}, {"countdown": 5, "queue": "q"})
    assert later.set(countdown=6).options == {"countdown": 6, "queue": "q"}
    assert app.tasks["spell"].si(1).set(countdown=1).options == {"countdown": 1}
    assert call.clone((0,), countdown=1) == Signature("spell", (0, 1), {}, {"countdown": 1})
    assert len({call, app.tasks["spell"].s(1), later}) == 2


def test_a_call_is_plain_data_and_back(app: App) -> None:
    call = app.signature("spell", (1,), {}, {"countdown": 5, "tags": {"a": "b"}}, immutable=True)
    plain = json.loads(json.dumps(dict(call)))
    assert plain == {
        "task": "spell",
        "args": [1],
        "kwargs": {},
        "options": {"countdown": 5, "tags": {"a": "b"}},
        "immutable": True,
    }
    again = app.signature(plain)
    assert again == call
    assert again.app is app
    assert app.signature(call) == call
    with pytest.raises(KeyError):
        call["sender"]
    with pytest.raises(TypeError, match="chord"):
        app.signature({**plain, "chord": 1})


def test_the_options_of_a_call_reach_its_job(app: App) -> None:
    call = app.tasks["spell"].signature((1,), {"a": 2}, countdown=timedelta(minutes=1), priority=7)
    job = app.job(call.task, (), call.kwargs, call.options)
    assert (job.delay_ms, job.priority, job.payload) == (60_000, 7, {"a": 2})


def test_many_calls_take_what_a_call_can_be(app: App) -> None:
    spell = app.tasks["spell"]
    handles = spell.delay_many([spell.s(1), (2,), [3], {"a": 4}])
    assert [handle.get() for handle in handles] == [[[1], {}], [[2], {}], [[3], {}], [[], {"a": 4}]]
    with pytest.raises(TypeError, match=r"'ann' is one argument; .*\('ann',\)"):
        spell.delay_many(["ann"])
    with pytest.raises(ValueError, match="a call of other among those of spell"):
        spell.delay_many([app.signature("other")])
