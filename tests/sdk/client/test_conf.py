"""`app.conf`: settings by name, from wherever they come, and what they do to the jobs of tasks."""

import sys
import types
from typing import Any

import pytest
from headrace import App, Unique
from headrace.conf import NAMES, Conf, route_of
from headrace.options import TaskOptions

from tests.tidy.tree import ROOT, text


def test_a_setting_is_an_attribute_and_an_item() -> None:
    conf = Conf()
    assert (conf.task_serializer, conf["task_serializer"]) == ("json", "json")
    conf.task_default_queue = "mail"
    conf["task_default_priority"] = 7
    assert (conf["task_default_queue"], conf.task_default_priority) == ("mail", 7)
    assert list(conf) == list(NAMES)


def test_every_setting_is_in_the_guide() -> None:
    guide = text(ROOT / "docs" / "guide" / "python.md")
    assert [name for name in NAMES if f"`{name}`" not in guide] == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("task_defualt_queue", "did you mean 'task_default_queue'?"),
        ("task_routing", "did you mean 'task_routes'?"),
        ("broker_url", "set url"),
        ("result_backend", "set url"),
        ("enable_utc", "travel in UTC"),
        ("task_acks_late", "always"),
        ("zzz", "there is no setting 'zzz'"),
    ],
)
def test_a_name_that_does_not_exist_is_an_error_that_helps(name: str, words: str) -> None:
    conf = Conf()
    for use in (
        lambda: setattr(conf, name, 1),
        lambda: conf.__setitem__(name, 1),
        lambda: conf.update({name: 1}),
        lambda: getattr(conf, name),
        lambda: conf[name],
    ):
        with pytest.raises(AttributeError) as caught:
            use()
        assert words in str(caught.value)


def test_many_are_set_at_once_or_none() -> None:
    conf = Conf()
    conf.update({"task_default_queue": "a"}, task_default_priority=3)
    assert (conf.task_default_queue, conf.task_default_priority) == ("a", 3)
    with pytest.raises(AttributeError):
        conf.update(task_default_queue="b", task_default_quue="c")
    assert conf.task_default_queue == "a"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_default_rate_limit", "often"),
        ("task_annotations", {"*": {"rate_limit": "often"}}),
        ("task_annotations", {"shop.add": {"retries": 3}}),
        ("task_routes", {"shop.*": {"quue": "a"}}),
    ],
)
def test_a_value_that_cannot_be_is_refused_when_it_is_set(name: str, value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        Conf().update({name: value})


def test_a_setting_is_changed_by_setting_it_and_not_in_place() -> None:
    conf = Conf(task_routes={"a": "b"}, imports=["shop"])
    assert (conf.task_routes, conf.imports) == ({"a": "b"}, ("shop",))
    with pytest.raises(TypeError):
        conf.task_routes["c"] = "d"  # type: ignore[index]
    version = conf.version
    conf.imports = [*conf.imports, "mail"]
    assert (conf.imports, conf.version) == (("shop", "mail"), version + 1)


def test_settings_come_from_a_module_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("shop_settings")
    vars(module).update(task_default_queue="shop", DEBUG=True, helper=lambda: None, types=types)
    monkeypatch.setitem(sys.modules, "shop_settings", module)
    conf = Conf()
    conf.from_object("shop_settings")
    assert conf.task_default_queue == "shop"
    vars(module)["task_defualt_queue"] = "x"
    with pytest.raises(AttributeError, match="did you mean 'task_default_queue'"):
        conf.from_object(module)


def test_settings_come_from_a_class_under_a_prefix() -> None:
    class Settings:
        DEBUG = True
        HEADRACE_URL = "http://queue:8080"
        HEADRACE_TASK_DEFAULT_QUEUE = "shop"

    conf = Conf()
    conf.from_object(Settings, namespace="HEADRACE")
    assert (conf.url, conf.task_default_queue) == ("http://queue:8080", "shop")
    with pytest.raises(AttributeError, match="set url"):
        conf.from_object({"HEADRACE_BROKER_URL": "redis://"}, namespace="HEADRACE")


@pytest.mark.parametrize(
    ("routes", "queue"),
    [
        ({"shop.*": "shop", "shop.mail.*": {"queue": "mail"}, "*": "rest"}, "mail"),
        ([("shop.*", "shop"), ("shop.mail.*", "mail")], "shop"),
        ({"other.*": "x"}, None),
        (None, None),
    ],
)
def test_a_route_is_found_by_the_name_of_the_task(routes: Any, queue: str | None) -> None:
    assert route_of(routes, "shop.mail.send").get("queue") == queue


def test_annotations_go_over_the_code_which_goes_over_routes_and_defaults() -> None:
    conf = Conf(
        task_default_queue="default-queue",
        task_default_priority=1,
        task_routes={"shop.*": {"queue": "routed", "priority": 2}},
        task_annotations={"*": {"max_retries": 8}, "shop.add": {"rate_limit": "5/m"}},
    )
    assert conf.options_of("else", TaskOptions()).queue == "default-queue"
    found = conf.options_of("shop.add", TaskOptions(priority=3, max_retries=1))
    assert (found.queue, found.priority, found.max_retries, found.rate_limit) == ("routed", 3, 8, "5/m")


def test_settings_reach_the_jobs_of_tasks_that_were_there_before() -> None:
    app = App()

    @app.task(name="t", unique=True)
    def task() -> None: ...

    assert (task.queue, app.job("t", (), {}, {}).queue) == ("default", None)
    app.conf.update(task_default_queue="q", task_ignore_result=True, task_time_limit=10, result_expires=60)
    job = app.job("t", (), {}, {})
    assert (task.queue, job.queue, job.result_ttl_ms, job.max_runtime_ms) == ("q", "q", 0, 15_000)
    assert job.unique == Unique(by=("task", "payload"))
    assert app.job("elsewhere", (), {}, {"queue": "mine"}).queue == "mine"
    assert app.job("elsewhere", (), {}, {}).queue == "q"
