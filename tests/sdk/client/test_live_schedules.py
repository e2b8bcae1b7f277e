"""Schedules kept with the code on a real server, in both formats: put, put again, changed, removed, left alone."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from headrace import App, Client, NewJob, Patience, Raw, RetryPolicy, Schedule, Unique, crontab, every

from tests.sdk.client.conftest import Ask
from tests.support.commands import Run
from tests.support.proxy import Fault, Proxy
from tests.support.servers import ServerProcess

START = datetime(2036, 1, 1, tzinfo=UTC)
EVERYTHING = NewJob(
    task="t",
    payload={"deep": [1, 2.5, None, "ä", 2**60]},
    queue="q",
    priority=7,
    expires_in_ms=60_000,
    lease_ms=5_000,
    retention_ms=60_000,
    max_crashes=3,
    max_runtime_ms=90_000,
    result_ttl_ms=0,
    retry=RetryPolicy(max_attempts=2, backoff="linear", factor=2, jitter=False, non_retryable=("A", "B*")),
    unique=Unique(by=("task", "payload"), on_conflict="return"),
    tags={"tenant": "acme"},
    limits=("stripe:7",),
    fairness_key="f",
    weight=2,
    ordering_key="o",
    on_dead="hold",
    meta={"k": [1]},
)
KINDS = {
    "everything": Schedule(
        job=EVERYTHING,
        cron="0 9 * * 1-5",
        timezone="Europe/Berlin",
        starts_at=START,
        ends_at=START.replace(year=2037),
        overlap="skip",
        catch_up="all",
        max_catch_up=3,
        jitter_ms=5,
        description="d",
    ),
    "little": Schedule(job=NewJob(task="t"), cron="@yearly"),
    "grid": Schedule(job=NewJob(task="t", payload=None), every_ms=86_400_000, starts_at=START),
    "once": Schedule(job=NewJob(task="t", payload=Raw(b"\x00\x01", "a/b")), at=START),
    "msgpack": Schedule(job=NewJob(task="t", payload=Raw(b"\x93\x01\x02\xa1x", "application/msgpack")), at=START),
}


@pytest.fixture
def mine(client: Client, queue: str) -> Iterator[str]:
    """An owner of its own, whose schedules are gone at the end; schedules are named after it."""
    owner = f"{queue}.{sys.intern(client.url).rpartition(':')[2]}"
    yield owner
    for record in list(client.iter_schedules(owner=owner)):
        client.delete_schedule(record.name)


def named(owner: str, **schedules: Schedule) -> dict[str, Schedule]:
    return {f"{owner}.{name}": schedule for name, schedule in schedules.items()}


def applied(client: Client, owner: str, wanted: dict[str, Schedule], **how: Any) -> dict[str, str]:
    changes = client.apply_schedules(wanted, owner=owner, **how)
    return {each.name.removeprefix(f"{owner}."): each.change for each in changes}


def test_what_is_there_as_it_should_be_is_left_alone(client: Client, mine: str) -> None:
    wanted = named(mine, **KINDS)
    assert applied(client, mine, wanted) == dict.fromkeys(KINDS, "created")
    before = {record.name: record.updated_at for record in client.iter_schedules(owner=mine)}
    for how in ({}, {"dry_run": True}):
        assert applied(client, mine, wanted, **how) == dict.fromkeys(KINDS, "unchanged")
    assert {record.name: record.updated_at for record in client.iter_schedules(owner=mine)} == before


def test_what_differs_is_changed_and_what_is_gone_is_removed(client: Client, mine: str) -> None:
    wanted = named(mine, **KINDS)
    client.apply_schedules(wanted, owner=mine)
    little, grid = (f"{mine}.{name}" for name in ("little", "grid"))
    wanted[little] = replace(wanted[little], job=NewJob(task="t", payload=1), overlap="skip")
    del wanted[grid]
    for how in ({"dry_run": True}, {}):
        changes = {each.name: each for each in client.apply_schedules(wanted, owner=mine, **how)}
        assert (changes[little].change, set(changes[little].fields)) == ("changed", {"job", "overlap"})
        assert changes[little].next_at is not None
        assert changes[grid].change == "deleted"
        left = {record.name for record in client.iter_schedules(owner=mine)}
        assert (grid in left) == bool(how)
    assert client.schedule(little).overlap == "skip"


def test_nothing_is_removed_where_nobody_wants_that(client: Client, mine: str) -> None:
    client.apply_schedules(named(mine, **KINDS), owner=mine)
    assert applied(client, mine, {}, prune=False) == {}
    assert client.apply_schedules({}) == ()
    assert len(list(client.iter_schedules(owner=mine))) == len(KINDS)
    with pytest.raises(ValueError, match="whose schedules"):
        client.apply_schedules({}, prune=True)


def test_what_somebody_else_looks_after_is_left_alone(client: Client, mine: str) -> None:
    theirs = f"{mine}.theirs"
    nobodys = f"{mine}.nobodys"
    client.put_schedule(theirs, replace(KINDS["little"], owner=f"{mine}.other"))
    client.put_schedule(nobodys, KINDS["little"])
    wanted = dict.fromkeys((theirs, nobodys), KINDS["grid"])
    try:
        taken, adopted = client.apply_schedules(wanted, owner=mine)
        assert (taken.change, taken.why) == ("foreign", f"it is looked after by {mine}.other")
        assert (adopted.change, "owner" in adopted.fields) == ("changed", True)
        assert client.schedule(theirs).cron == "@yearly"
        assert client.schedule(nobodys).owner == mine
    finally:
        client.delete_schedule(theirs)


@pytest.mark.parametrize("how", [{"dry_run": True}, {}])
def test_what_the_server_refuses_does_not_stop_the_others(client: Client, mine: str, how: dict[str, Any]) -> None:
    bad = replace(KINDS["little"], cron="0 0 31 2 *")
    changes = client.apply_schedules(named(mine, bad=bad, good=KINDS["little"]), owner=mine, **how)
    assert [each.change for each in changes] == ["refused", "created"]
    assert "no cron expression" in (changes[0].why or "")


def test_a_pause_outlives_a_deploy(client: Client, mine: str) -> None:
    wanted = named(mine, little=KINDS["little"])
    [name] = wanted
    client.apply_schedules(wanted, owner=mine)
    client.pause_schedule(name)
    assert applied(client, mine, wanted) == {"little": "unchanged"}
    assert client.schedule(name).state == "paused"
    running = named(mine, little=replace(KINDS["little"], paused=False))
    assert applied(client, mine, running) == {"little": "changed"}
    assert client.schedule(name).state == "active"


def test_the_documents_of_the_api_do_as_well(client: Client, mine: str) -> None:
    document = {"every_ms": 3_600_000, "job": {"task": "t", "payload": (1, 2)}}
    for change in ("created", "unchanged"):
        [told] = client.apply_schedules({f"{mine}.d": document}, owner=mine)
        assert told.change == change


def test_awaiting(aclient: Ask, client: Client, mine: str) -> None:
    wanted = named(mine, **KINDS)
    assert {each.change for each in aclient("apply_schedules", wanted, owner=mine)} == {"created"}
    assert {each.change for each in aclient("apply_schedules", wanted, owner=mine)} == {"unchanged"}


def test_a_lost_reply_does_no_harm(shared_server: ServerProcess, queue: str) -> None:
    """Every other reply is lost, and asked for again: what was put is put once more, which changes nothing."""
    wanted = {f"{queue}.{name}": schedule for name, schedule in KINDS.items()}
    with (
        Proxy(shared_server.port) as proxy,
        Client(proxy.url, retry=Patience(total_s=30)) as lossy,
        Client(shared_server.url) as client,
    ):
        try:
            proxy.plan = lambda number: Fault.CUT_REPLY if number % 2 else Fault.PASS
            assert {each.change for each in lossy.apply_schedules(wanted, owner=queue)} == {"created"}
            assert {record.name for record in client.iter_schedules(owner=queue)} == set(wanted)
        finally:
            client.apply_schedules({}, owner=queue)


APP = """
from headrace import App, crontab, every
app = App(name="{owner}")
@app.task(name="add")
def add(x, y=0): return x + y
app.conf.beat_schedule = {{"{owner} nightly": {{"task": "add", "schedule": crontab(0, 3), "args": (1, 2)}}}}
@app.periodic_task(every(hours=1), name="{owner}.hourly")
def hourly(): pass
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, queue: str) -> Iterator[str]:
    """An app in the current folder; its owner is the queue."""
    module = f"shop_{queue.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(APP.format(owner=queue))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield f"{module}:app"
    sys.modules.pop(module, None)


def test_the_command_applies_an_app(run: Run, shop: str, queue: str, shared_server: ServerProcess) -> None:
    with Client(shared_server.url) as client:
        try:
            client.put_schedule(f"{queue}.old", replace(KINDS["little"], owner=queue))
            code, out, _ = run("schedules apply --dry-run -A", shop)
            assert code == 0
            assert [line.split()[:2] for line in out.splitlines()[1:]] == [
                [f"{queue}-nightly", "created"],
                [f"{queue}.hourly", "created"],
                [f"{queue}.old", "deleted"],
            ]
            assert {record.name for record in client.iter_schedules(owner=queue)} == {f"{queue}.old"}
            code, out, _ = run("schedules apply --no-prune --json -A", shop)
            assert (code, [each["change"] for each in json.loads(out)]) == (0, ["created", "created"])
            code, out, _ = run("schedules apply -A", shop)
            assert [line.split()[1] for line in out.splitlines()[1:]] == ["unchanged", "unchanged", "deleted"]
            nightly = client.schedule(f"{queue}-nightly")
            assert (nightly.cron, nightly.job["payload"], nightly.owner) == ("0 3 * * *", [1, 2], queue)
            code, out, _ = run(f"schedules apply --owner {queue}.other -A", shop)
            assert (code, out.count("foreign")) == (4, 2)
        finally:
            client.apply_schedules({}, owner=queue)


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ("nowhere", "module:app"),
        ("no_such_module_here:app", "there is no module"),
        ("headrace.schedules:crontab", "not a headrace.App"),
    ],
)
def test_the_command_says_what_is_wrong_with_an_app(run: Run, app: str, words: str) -> None:
    code, _, err = run("schedules apply -A", app)
    assert code == 2
    assert words in err


def test_the_command_shows_where_an_app_is_broken(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_schedules.py").write_text(
        "from headrace import App\napp = App(name='x')\n@app.periodic_task(10, args=(1, 2))\ndef one(x): pass\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    code, _, err = run("schedules apply -A broken_schedules:app")
    assert code == 2
    assert "schedule 'broken_schedules.one'" in err


def test_an_app_without_a_name_owns_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, queue: str, shared_server: ServerProcess
) -> None:
    module = f"nameless_{queue.replace('-', '_')}"
    text = f"from headrace import App\napp = App()\napp.add_periodic_task(3600, 't', name='{queue}.t')\n"
    (tmp_path / f"{module}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    code, out, _ = run("schedules apply -A", f"{module}:app")
    with Client(shared_server.url) as client:
        client.delete_schedule(f"{queue}.t")
    assert code == 0
    assert "Nothing is removed" in out
    assert run("schedules apply --prune -A", f"{module}:app")[0] == 2


def test_an_app_tells_the_server_itself(shared_server: ServerProcess, queue: str) -> None:
    app = App(shared_server.url, name=queue)
    try:
        app.add_periodic_task(crontab(0, 3), "t", name=f"{queue}.t")
        app.add_periodic_task(every(hours=1), "t", name=f"{queue}.u")
        assert [each.change for each in app.apply_schedules(dry_run=True)] == ["created", "created"]
        assert [each.change for each in app.apply_schedules()] == ["created", "created"]
        assert [each.change for each in app.apply_schedules()] == ["unchanged", "unchanged"]
    finally:
        app.client.apply_schedules({}, owner=queue)
        app.close()


def test_beat_says_that_it_is_not_needed(capsys: pytest.CaptureFixture[str]) -> None:
    from headrace import cli

    for words in ("beat", "beat -A proj -l info -s celerybeat-schedule", "beat --help"):
        assert cli.main(words.split()) == 2
        assert "headrace schedules apply -A module:app" in capsys.readouterr().err
