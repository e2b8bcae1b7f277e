"""What an app says is periodic: `conf.beat_schedule`, `@app.periodic_task`, `add_periodic_task`; without a server."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from headrace import App, Schedule, crontab, every

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENTRY: dict[str, Any] = {"task": "t", "schedule": 10}


def an_app(**conf: Any) -> App:
    app = App(name="shop")

    @app.task(name="add", queue="sums", priority=3)
    def add(x: int, y: int = 0) -> int:
        return x + y

    app.conf.update(**conf)
    return app


def one(app: App) -> Schedule:
    [schedule] = app.schedules().values()
    return schedule


def test_an_entry_as_celery_has_it() -> None:
    options = {"queue": "night", "expires": 300, "priority": 9}
    entry = {"task": "add", "schedule": crontab(0, 7), "args": (2,), "kwargs": {"y": 3}, "options": options}
    app = an_app(timezone="Europe/Berlin", beat_schedule={"sums": entry})
    schedule = one(app)
    assert (schedule.cron, schedule.timezone) == ("0 7 * * *", "Europe/Berlin")
    job = schedule.job
    assert (job.task, job.payload, job.queue, job.priority) == ("add", {"x": 2, "y": 3}, "night", 9)
    assert job.expires_in_ms == 300_000


def test_what_an_entry_may_say_beside() -> None:
    how: dict[str, Any] = {
        "overlap": "skip",
        "catch_up": "all",
        "max_catch_up": 5,
        "jitter": timedelta(seconds=2),
        "starts_at": NOON,
        "ends_at": NOON + timedelta(days=1),
        "paused": True,
        "description": "d",
    }
    schedule = one(an_app(beat_schedule={"e": {**ENTRY, "relative": False, **how}}))
    del how["jitter"]
    assert {name: getattr(schedule, name) for name in how} == how
    assert (schedule.every_ms, schedule.jitter_ms) == (10_000, 2_000)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (5, "an entry is a dict"),
        ({"task": "t"}, "an entry has a 'schedule'"),
        ({"schedule": 5}, "an entry has a 'task'"),
        ({**ENTRY, "schedul": 5}, "did you mean 'schedule'"),
        ({**ENTRY, "queue": "q"}, "options={'queue'"),
        ({**ENTRY, "relative": True}, "the grid of an interval"),
        ({**ENTRY, "schedule": "no", "args": 5}, "int"),
        ({**ENTRY, "options": {"countdown": 5}}, "countdown is no option of a schedule's job"),
        ({**ENTRY, "options": {"expires": NOON}}, "a time after its slot"),
        ({**ENTRY, "options": {"link": None}}, "link is no option of a call"),
        ({**ENTRY, "task": "two words"}, "task name 'two words'"),
        ({**ENTRY, "schedule": 0.2}, "a second at least"),
    ],
)
def test_an_entry_that_cannot_be_is_told_where_it_is_set(entry: Any, words: str) -> None:
    app = App()
    with pytest.raises((TypeError, ValueError), match=r"beat_schedule\['e'\]: .*" + words):
        app.conf.beat_schedule = {"e": entry}
    assert app.conf.beat_schedule is None


def test_a_call_that_the_task_does_not_take_is_told_with_its_schedule() -> None:
    app = an_app(beat_schedule={"e": {"task": "add", "schedule": 10, "args": (1, 2, 3)}})
    with pytest.raises(TypeError, match="schedule 'e': "):
        app.schedules()


def test_names_are_made_such_as_the_server_takes() -> None:
    app = an_app(beat_schedule={"add every 10 (s)": ENTRY, "b/c": ENTRY})
    assert set(app.schedules()) == {"add-every-10-s", "b-c"}
    with pytest.raises(ValueError, match="there is a schedule 'a-b' already"):
        app.conf.beat_schedule = {"a b": ENTRY, "a/b": {**ENTRY, "schedule": 20}}
    with pytest.raises(ValueError, match="schedule name ''"):
        app.conf.beat_schedule = {"!": ENTRY}


def test_a_periodic_task_is_a_task_and_a_schedule() -> None:
    app = an_app()

    @app.periodic_task(every(minutes=5), name="clean", queue="night", overlap="skip", kwargs={"days": 3})
    def clean(days: int) -> int:
        return days

    assert clean(4) == 4
    assert app.tasks["clean"].queue == "night"
    schedule = one(app)
    assert (list(app.schedules()), schedule.every_ms, schedule.overlap) == (["clean"], 300_000, "skip")
    assert (schedule.job.queue, schedule.job.payload) == ("night", {"days": 3})


def test_a_bound_periodic_task() -> None:
    app = an_app()

    @app.periodic_task(60, bind=True)
    def look(self: Any) -> str:
        return str(self.name)

    assert look() == look.name


def test_calls_are_added_as_to_celery() -> None:
    app = an_app()
    add = app.tasks["add"]
    named = app.add_periodic_task(30.0, add.s(2, 3), name="sums every 30", expires=10, overlap="skip")
    again = app.add_periodic_task(30.0, add.s(2, 3), name="sums every 30", expires=10, overlap="skip")  # imported twice
    plain = app.add_periodic_task(crontab(0, 7), "elsewhere.task")
    unnamed = [app.add_periodic_task(60, add, (n,), priority=7) for n in (1, 2)]
    schedules = app.schedules()
    assert set(schedules) == {"sums-every-30", "elsewhere.task", *unnamed}
    assert (named, again, plain, len(set(unnamed))) == ("sums-every-30", "sums-every-30", "elsewhere.task", 2)
    assert all(name.startswith("add-") for name in unnamed)
    assert (schedules[named].job.payload, schedules[named].job.expires_in_ms) == ([2, 3], 10_000)
    assert schedules[unnamed[0]].job.priority == 7
    with pytest.raises(ValueError, match="there is a schedule 'sums-every-30' already"):
        app.add_periodic_task(31.0, add.s(2, 3), name="sums-every-30")
    with pytest.raises(ValueError, match="a name: its arguments make none"):
        app.add_periodic_task(30.0, add, (object(),))


def test_unnamed_calls_keep_their_names_over_deploys() -> None:
    names = [an_app().add_periodic_task(60, "add", (), {"y": 1, "x": n}) for n in (1, 1, 2)]
    assert names[0] == names[1] != names[2]


def test_functions_are_called_when_the_app_is_loaded() -> None:
    app = an_app()

    @app.on_after_configure.connect
    def set_up(sender: App, **_: object) -> None:
        sender.add_periodic_task(30.0, sender.tasks["add"].s(1))

    @app.on_after_finalize.connect
    def later(sender: App, **_: object) -> None:
        sender.add_periodic_task(60.0, "other")

    assert app.schedules() == {}
    app.load_tasks()
    app.load_tasks()
    assert [schedule.every_ms for schedule in app.schedules().values()] == [30_000, 60_000]


def test_who_looks_after_them() -> None:
    assert (App().schedule_owner, App(name="shop").schedule_owner) == (None, "shop")
    app = App(name="shop")
    app.conf.beat_owner = "shop.nightly"
    assert app.schedule_owner == "shop.nightly"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("beat_scheduler", "there is no beat to run"),
        ("beat_schedule_filename", "keeps the places"),
        ("beat_schedules", "did you mean 'beat_schedule'"),
    ],
)
def test_settings_of_beat_that_are_none(name: str, words: str) -> None:
    with pytest.raises(AttributeError, match=words):
        App().conf.update({name: "x"})


def test_a_time_zone_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="IANA"):
        App().conf.timezone = "half past"
