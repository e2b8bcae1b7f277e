"""Real workers with several children: what the flags say happens, and nothing is left of any child."""

from pathlib import Path

import psutil
from headrace import Client, NewJob

from tests.sdk.worker.conftest import END_S, MakeWorker, WorkerProcess, ended
from tests.support.processes import runs
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

TROUBLE = "tests.sdk.worker.trouble:app"


def family(worker: WorkerProcess) -> set[int]:
    return {child.pid for child in psutil.Process(worker.pid).children(recursive=True)}


def test_children_come_and_go_and_every_job_runs_once(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker
) -> None:
    flags = ("--autoscale", "1,2", "--max-tasks-per-child", "6", "--max-memory-per-child", "300M", "--reload")
    worker = make_worker(shared_server.url, *flags, "--threads", "2", app=TROUBLE)
    assert len(worker.children) == 1
    jobs = client.enqueue_batch([NewJob(task="sleep", payload=[0.4], queue=queue)] * 36).jobs
    ran: list[int] = []
    for job in jobs:
        finished = ended(client, job.id)
        assert (finished.attempt, finished.crashes) == (1, 0)
        ran.append(finished.result)
    assert max(ran.count(pid) for pid in set(ran)) <= 6
    assert len(set(ran)) >= 6
    eventually(lambda: worker.says("another number of children"), END_S, "it was busy for long enough")
    eventually(lambda: not any(runs(pid) for pid in set(ran) - family(worker)), END_S, "used children end")
    left = family(worker)
    assert worker.terminate() == 0
    assert not any(runs(pid) for pid in left)


def test_a_stop_in_the_middle_of_it_all_leaves_nobody_behind(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    worker = make_worker(shared_server.url, "--processes", "3", "--threads", "1", "--drain-timeout", "0", app=TROUBLE)
    children = family(worker)
    assert len(children) == 3
    started = [str(tmp_path / name) for name in ("gil", "neighbour")]
    calls = [("hold_gil", [started[0], 60]), ("neighbour_async", [started[1], "never"]), ("sleep", [60])]
    jobs = [client.enqueue(task, arguments, queue=queue) for task, arguments in calls]
    eventually(lambda: all(client.get(job.id).state == "leased" for job in jobs), END_S)
    assert worker.terminate() == 0
    assert not any(runs(pid) for pid in children)
    for job in jobs:
        given_back = client.get(job.id)
        assert (given_back.state, given_back.attempt, given_back.crashes) == ("ready", 1, 0)
