"""What an app says is periodic: told by each worker at its start, fired by the server, run by a worker."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from headrace import Client, RunOutcome, Schedule, ScheduleRecord, State
from headrace.models import NewJob

from tests.sdk.worker.conftest import END_S, MakeWorker, ended
from tests.support.processes import Child
from tests.support.proxy import Fault, Proxy
from tests.support.servers import HEADRACE, ServerProcess, clean_env
from tests.support.waiting import eventually

HEAD = """
import json, pathlib
from headrace import App, crontab, current, every
app = App(name={queue!r})
app.conf.task_default_queue = {queue!r}
@app.task(name="{queue}.nothing")
def nothing(*args):
    pass
"""
TICKS = """
@app.periodic_task(every(1), name="{queue}.tick")
def tick():
    slot = current().schedule
    told = pathlib.Path({file!r})
    told.with_suffix(".new").write_text(json.dumps([current().id, slot.name, slot.slot.isoformat()]))
    told.with_suffix(".new").rename(told)
"""
NIGHTLY = """
app.conf.timezone = "Europe/Berlin"
app.conf.beat_schedule = {{"nightly {queue}": {{
    "task": "{queue}.nothing", "schedule": crontab(0, {hour}), "args": (2**70,), "options": {{"queue": "{queue}.n"}},
}}}}
"""
WEEKLY = """
app.add_periodic_task(crontab(0, 0, "mon"), nothing, name="{queue}.weekly", overlap="skip")
"""
INLINE = ("--processes", "0")  # where it makes no difference: it starts sooner
Write = Callable[..., dict[str, Any]]


@pytest.fixture
def write(tmp_path: Path, queue: str, client: Client) -> Iterator[Write]:
    """Writes an app of some parts; returns how `make_worker` finds it. Its schedules are gone at the end."""

    def write(*parts: str, module: str = "app_of_schedules", **words: Any) -> dict[str, Any]:
        text = "".join(part.format(queue=queue, **words) for part in (HEAD, *parts))
        (tmp_path / f"{module}.py").write_text(text)
        return {"app": f"{module}:app", "env": {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}}

    yield write
    client.apply_schedules({}, owner=queue)


def schedules(client: Client, owner: str) -> dict[str, ScheduleRecord]:
    return {record.name: record for record in client.iter_schedules(owner=owner)}


def worked(client: Client, queue: str) -> None:
    """Wait until a worker of the queue has run a job: before its first one, it has told the server its schedules."""
    assert ended(client, client.enqueue(f"{queue}.nothing", queue=queue).id).state is State.SUCCEEDED


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_periodic_task_runs_and_knows_its_slot(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, write: Write, processes: str
) -> None:
    file = Path(write(TICKS, file="")["env"]["PYTHONPATH"]) / "slot"
    make_worker(shared_server.url, "--processes", processes, **write(TICKS, file=str(file)))
    eventually(file.exists, END_S, "a slot was run")
    job_id, name, slot = json.loads(file.read_text())
    assert name == f"{queue}.tick"
    job = ended(client, job_id)
    assert job.schedule is not None
    assert (job.schedule.name, job.schedule.slot.isoformat()) == (name, slot)

    def succeeded() -> bool:
        runs = {run.job_id: run for run in client.schedule(name).runs}
        return job_id not in runs or (runs[job_id].outcome, runs[job_id].slot.isoformat()) == (
            RunOutcome.SUCCEEDED,
            slot,
        )  # of so many runs the history keeps the newest

    assert succeeded()


def test_what_the_app_says_is_put_once_and_what_it_does_not_say_any_more_is_removed(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, write: Write
) -> None:
    nightly, weekly = f"nightly-{queue}", f"{queue}.weekly"
    first = make_worker(shared_server.url, *INLINE, **write(NIGHTLY, WEEKLY, hour=3))
    worked(client, queue)
    before = schedules(client, queue)
    assert set(before) == {nightly, weekly}
    assert (before[nightly].cron, before[nightly].timezone) == ("0 3 * * *", "Europe/Berlin")
    assert before[nightly].job["queue"] == f"{queue}.n"
    assert before[nightly].job["payload"] == [2**70]
    assert (before[weekly].cron, before[weekly].overlap) == ("0 0 * * 1", "skip")
    assert first.terminate() == 0
    again = make_worker(shared_server.url, *INLINE, **write(NIGHTLY, WEEKLY, hour=3))
    worked(client, queue)
    assert {name: record.updated_at for name, record in schedules(client, queue).items()} == {
        name: record.updated_at for name, record in before.items()
    }
    assert again.terminate() == 0
    make_worker(shared_server.url, *INLINE, **write(NIGHTLY, hour=4))
    worked(client, queue)
    after = schedules(client, queue)
    assert {name: record.cron for name, record in after.items()} == {nightly: "0 4 * * *"}


@pytest.mark.parametrize(("flags", "more"), [(["--no-schedules"], ""), ([], "\napp.conf.beat_apply = False\n")])
def test_a_worker_leaves_schedules_to_others(
    shared_server: ServerProcess,
    client: Client,
    queue: str,
    make_worker: MakeWorker,
    write: Write,
    flags: list[str],
    more: str,
) -> None:
    kept = f"{queue}.kept"
    client.put_schedule(kept, Schedule(job=NewJob(task="t", queue=queue), cron="@yearly", owner=queue))
    make_worker(shared_server.url, *INLINE, *flags, **write(WEEKLY, more))
    worked(client, queue)
    assert set(schedules(client, queue)) == {kept}


def test_two_versions_side_by_side_do_not_fight(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, write: Write
) -> None:
    """The one that started last has its way, also when a child of the other one is replaced."""
    old = make_worker(shared_server.url, "--max-tasks-per-child", "1", **write(NIGHTLY, hour=3, module="old_app"))
    worked(client, queue)
    elsewhere = ("--queues", f"{queue}.elsewhere", *INLINE)
    make_worker(shared_server.url, *elsewhere, **write(NIGHTLY, hour=4, module="new_app"))
    name = f"nightly-{queue}"
    eventually(lambda: client.schedule(name).cron == "0 4 * * *", END_S, "the new version is told")
    for _ in range(2):
        worked(client, queue)
    eventually(lambda: old.text().count("child started") > 1, END_S, "a child of the old version was replaced")
    worked(client, queue)
    assert client.schedule(name).cron == "0 4 * * *"


def test_an_app_that_is_loaded_anew_tells_what_it_says_now(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, write: Write
) -> None:
    make_worker(shared_server.url, "--reload", **write(NIGHTLY, hour=3))
    name = f"nightly-{queue}"
    eventually(lambda: name in schedules(client, queue), END_S, "the schedule is there")
    write(NIGHTLY, hour=4)
    eventually(lambda: client.schedule(name).cron == "0 4 * * *", END_S, "the change is told")


def test_what_another_owner_has_is_left_alone_and_jobs_run_all_the_same(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, write: Write
) -> None:
    weekly = f"{queue}.weekly"
    theirs = Schedule(job=NewJob(task="t", queue=queue), cron="@yearly", owner=f"{queue}-other")
    client.put_schedule(weekly, theirs)
    try:
        worker = make_worker(shared_server.url, *INLINE, **write(WEEKLY))
        worked(client, queue)
        assert client.schedule(weekly).cron == "@yearly"
        eventually(lambda: worker.says("could not be put"), END_S, "the worker says so")
    finally:
        client.delete_schedule(weekly)


def test_replies_that_get_lost_are_asked_for_again(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, write: Write
) -> None:
    with Proxy(shared_server.port) as proxy:
        proxy.plan = lambda number: Fault.CUT_REPLY if number % 2 else Fault.PASS
        worker = make_worker(proxy.url, *INLINE, **write(NIGHTLY, WEEKLY, hour=3))
        there = {f"nightly-{queue}", f"{queue}.weekly"}
        eventually(lambda: set(schedules(client, queue)) == there, 2 * END_S, "both are there")
        proxy.plan = None
        assert worker.terminate() == 0


def test_a_call_that_its_task_does_not_take_keeps_the_worker_from_starting(
    shared_server: ServerProcess, tmp_path: Path, write: Write, queue: str
) -> None:
    app = write('\n@app.periodic_task(60, args=(1,), name="{queue}.bad")\ndef bad():\n    pass\n')
    argv = [str(HEADRACE), "worker", app["app"], "--url", shared_server.url, "--processes", "1"]
    log = tmp_path / "log"
    child = Child(argv, log, env=clean_env(app["env"]))
    try:
        assert child.wait(END_S * 2) == 78
        assert f"schedule '{queue}.bad'" in log.read_text()
    finally:
        child.end()
