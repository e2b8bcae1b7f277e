"""Tasks of a Flask application: its settings, and a context of its own around each run."""

import pytest
from flask import Flask, current_app, g
from headrace import App
from headrace.contrib.flask import Headrace


def make(**config: object) -> tuple[Headrace, Flask]:
    flask_app = Flask("shop")
    flask_app.config.from_mapping(HEADRACE_TASK_ALWAYS_EAGER=True, NAME="shop", **config)
    return Headrace(flask_app), flask_app


def test_the_config_of_the_application_is_the_apps() -> None:
    queue, flask_app = make(HEADRACE={"URL": "http://192.0.2.1", "TASK_DEFAULT_QUEUE": "q"})
    assert (queue.conf.url, queue.conf.task_default_queue) == ("http://192.0.2.1", "q")
    assert flask_app.extensions["headrace"] is queue


def test_a_misspelt_setting_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(AttributeError, match="did you mean 'task_default_queue'"):
        make(HEADRACE_TASK_DEFAULT_QUEU="q")


def test_a_task_has_a_context_of_its_own_that_is_torn_down() -> None:
    queue, flask_app = make()
    torn: list[list[str]] = []
    flask_app.teardown_appcontext(lambda _: torn.append(g.pop("seen", [])))

    @queue.task(name="look")
    def look(word: str) -> str:
        g.setdefault("seen", []).append(word)
        return str(current_app.config["NAME"])

    assert [look.delay(word).get() for word in ("a", "b")] == ["shop", "shop"]
    assert torn == [["a"], ["b"]]


async def awaited(queue: Headrace) -> str:
    @queue.task(name="look")
    async def look() -> str:
        return str(current_app.config["NAME"])

    return await (await look.adelay()).get()


@pytest.mark.anyio
async def test_a_coroutine_has_one_too() -> None:
    assert await awaited(make()[0]) == "shop"


def test_a_task_without_an_application_says_what_to_do() -> None:
    queue = Headrace()
    queue.conf.task_always_eager = True
    handle = queue.task(name="look", max_retries=0)(lambda: None).delay()
    assert "create_app()" in str(handle.get(propagate=False))


def test_the_extension_is_an_app() -> None:
    assert isinstance(Headrace(), App)
