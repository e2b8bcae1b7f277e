"""The commands of operators against a real server: what they print, and how they end."""

import json
import re
from typing import Any

import pytest
from headrace import Client, JobError, RetryPolicy, State

from tests.support.commands import Run
from tests.support.servers import ServerProcess

NOBODY = "01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f"


@pytest.fixture
def client(shared_server: ServerProcess) -> Any:
    with Client(shared_server.url) as made:
        yield made


def dead(client: Client, queue: str) -> str:
    """Return the id of a job that has died."""
    made = client.enqueue("t", queue=queue, retry=RetryPolicy(max_attempts=1))
    (leased,) = client.lease(queue, worker="w1").jobs
    client.nack(leased.id, leased.token, error=JobError(type="TimeoutError", message="no answer"))
    return made.id


def test_enqueue_knows_the_company_of_a_job(run: Run, client: Client, queue: str) -> None:
    words = "--tag tenant=7 --limit stripe:7 --fairness-key f --weight 2 --ordering-key o --on-dead hold --delay 60"
    unique = f"--unique {queue} --on-conflict reject --max-runtime 60 --result-ttl 0"
    code, out, _ = run("enqueue t", "--queue", queue, *words.split(), *unique.split(), "--json")
    assert code == 0
    shown = json.loads(out)
    assert (shown["tags"], shown["limits"], shown["weight"], shown["on_dead"]) == (
        {"tenant": "7"},
        ["stripe:7"],
        2,
        "hold",
    )
    code, _, err = run("enqueue t", "--queue", queue, *unique.split())
    assert code == 4
    assert "unique_conflict" in err
    code, out, _ = run(f"enqueue t --queue {queue} --unique-by task,payload --unique-ttl 60 --json")
    assert code == 0
    assert (
        run(f"enqueue t --queue {queue} --unique-by task,payload")[1].splitlines()[0].split()[1]
        == json.loads(out)["id"]
    )


def test_jobs_are_listed_with_their_reason(run: Run, client: Client, queue: str) -> None:
    job_id = dead(client, queue)
    client.enqueue("t", queue=queue)
    code, out, _ = run(f"jobs --queue {queue} --state dead,cancelled --error-type TimeoutError --finished-after 1h")
    head, line = out.splitlines()
    assert code == 0
    assert head.startswith("ID")
    assert line.startswith(f"{job_id}  dead")
    assert line.endswith("max_attempts, TimeoutError: no answer")
    assert {job["id"] for job in json.loads(run(f"jobs --queue {queue} --json")[1])} > {job_id}
    assert run(f"jobs --queue {queue} --limit 1")[1].endswith("and more: --limit 0 shows all\n")
    assert json.loads(run(f"jobs --queue {queue} --finished-before 1h --json")[1]) == []


def test_a_job_is_looked_into_mended_and_deleted(run: Run, client: Client, queue: str) -> None:
    job_id = dead(client, queue)
    assert "TimeoutError: no answer" in run("attempts", job_id)[1]
    assert run("explain", job_id)[1].startswith(f"{job_id} is dead: ")
    assert run("retry", job_id)[0] == 0
    code, _, err = run("retry", job_id)
    assert (code, "job_not_dead" in err) == (4, True)
    assert json.loads(run("patch", job_id, "--priority", "250", "--delay", "60", "--json")[1])["priority"] == 250
    assert json.loads(run("cancel", job_id, "--reason", "no need", "--json")[1])["reason"] == "no need"
    assert run("delete", job_id) == (0, f"{job_id} is gone\n", "")
    for words in ("get", "attempts", "explain", "retry", "cancel", "delete"):
        assert run(words, job_id)[0] == 3


def test_a_held_job_is_asked_to_end_or_ended(run: Run, client: Client, queue: str) -> None:
    made = client.enqueue("t", queue=queue)
    client.lease(queue)
    assert re.search(r"cancel_requested +true", run("cancel", made.id)[1])
    assert re.search(r"state +cancelled", run("cancel", made.id, "--hard")[1])


def test_a_queue_is_set_paused_drained_and_forgotten(run: Run, client: Client, queue: str) -> None:
    run("queue set", queue, "concurrency=3", "rate=100/60s", "retry.max_attempts=5")
    code, out, _ = run("queue set", queue, "concurrency=", "lease_ms=90s")
    assert code == 0
    assert re.search(r"set: rate +100/60s", out)
    assert re.search(r"set: lease_ms +90000", out)
    assert "concurrency" not in out
    assert "paused until" in run("queue pause", queue, "--for", "60")[1]
    assert json.loads(run("queue drain", queue, "--json")[1])["draining"] is True
    assert "(paused, draining)" in next(line for line in run("queues")[1].splitlines() if line.startswith(f"{queue} "))
    assert re.search(r"is +open", run("queue resume", queue)[1])
    client.enqueue("t", queue=queue)
    code, _, err = run("queue delete", queue)
    assert (code, "queue_not_empty" in err) == (4, True)
    code, out, _ = run("queue purge", queue, "--wait", "30", "--json")
    assert (code, json.loads(out)["done"]) == (0, 1)
    assert run("queue delete", queue)[0] == 0


def test_a_limit_is_set_held_back_and_forgotten(run: Run, queue: str) -> None:
    name = f"{queue}:a"
    run("limit set", name, "concurrency=3", "rate=10/1s", "burst=20")
    assert run("limit set", name, "concurrency=5")[1].splitlines()[1].split() == [name, "0", "5", "10/1s", "20", "-"]
    assert json.loads(run("limit backoff", name, "--for", "30", "--json")[1])["held_until"]
    assert name in run("limits")[1]
    code, _, err = run("limit set", name, "concurrency=", "rate=")
    assert (code, f"headrace limit unset {name}" in err) == (2, True)
    assert "rate" not in json.loads(run("limit unset", name, "--json")[1])
    assert "held_until" not in json.loads(run("limit backoff", name, "--for", "0", "--json")[1])
    assert json.loads(run("limit show", name, "--json")[1])["leased"] == 0


def test_a_schedule_is_put_looked_at_triggered_and_deleted(run: Run, client: Client, queue: str) -> None:
    when = ("--cron", "0 9 * * 1-5", "--timezone", "Europe/Berlin")
    code, out, _ = run(
        "schedules put", queue, "demo.add", "[2, 3]", *when, "--queue", queue, "--owner", queue, "--jitter", "5s"
    )
    assert code == 0
    assert re.search(r"explanation +At 09:00 on Monday through Friday", out)
    assert json.loads(run("schedules trigger", queue, "--json")[1])["outcome"] == "enqueued"
    [job] = client.lease(queue, worker="w").jobs
    assert (job.task, job.payload) == ("demo.add", [2, 3])
    client.ack(job.id, job.token)
    out = run("schedules show", queue)[1]
    assert re.search(rf"\(by hand\) +succeeded .* {job.id}", out)
    [line] = run("schedules list --owner", queue)[1].splitlines()[1:]
    assert re.match(rf"{queue} +active +0 9 \* \* 1-5 \(Europe/Berlin\) +demo.add .* succeeded +1 +0$", line)
    assert json.loads(run("schedules pause", queue, "--json")[1])["state"] == "paused"
    assert json.loads(run("schedules resume", queue, "--json")[1])["state"] == "active"
    assert len(run("schedules preview", queue, "-n", "3")[1].splitlines()) == 4
    assert run("schedules delete", queue)[0] == 0
    assert run("schedules show", queue)[0] == 3


def test_a_timing_is_previewed_and_a_wrong_one_refused(run: Run, queue: str) -> None:
    code, out, _ = run("schedules preview --every 10m -n 2 --json")
    assert (code, len(json.loads(out)["slots"])) == (0, 2)
    assert run("schedules preview", queue, "--every", "10m")[0] == 2
    code, _, err = run("schedules put", queue, "t", "--cron", "nonsense")
    assert (code, "write five fields" in err) == (4, True)
    code, out, _ = run("schedules put", queue, "t", "--at", "2036-01-02T03:04:05Z", "--paused", "--json")
    assert (code, json.loads(out)["state"]) == (0, "paused")


def test_many_jobs_are_mended_by_an_operation(run: Run, client: Client, queue: str) -> None:
    job_id = dead(client, queue)
    code, out, _ = run(f"operation start retry --queue {queue} --error-type TimeoutError --dry-run --wait 30")
    assert code == 0
    assert out.splitlines()[-1] == f"  {job_id}", "some of the jobs are shown"
    assert re.search(r"matched +1\n", out)
    started = json.loads(run(f"operation start retry --queue {queue} --rate 100 --json")[1])
    shown = json.loads(run("operation show", started["id"], "--wait", "30", "--json")[1])
    assert (shown["state"], shown["done"]) == ("done", 1)
    assert client.get(job_id).state is State.READY
    assert started["id"] in run("operations")[1]
    assert run("operation stop", started["id"])[0] == 4
    assert run("operation show", NOBODY)[0] == 3


def test_an_operation_that_takes_longer_is_not_in_time(run: Run, client: Client, queue: str) -> None:
    for _ in range(3):
        client.enqueue("t", queue=queue)
    code, out, _ = run(f"operation start cancel --queue {queue} --rate 1 --wait 0 --json")
    assert code == 75
    assert json.loads(run("operation stop", json.loads(out)["id"], "--json")[1])["state"] == "cancelled"


def test_events_are_followed_line_by_line(run: Run, client: Client, queue: str) -> None:
    begin = client.events(queue=queue).cursor
    made = client.enqueue("demo.add", queue=queue)
    client.lease(queue, worker="w1")
    code, out, _ = run(f"events --queue {queue} --after {begin} --max 2")
    assert code == 0
    assert [line.split("  ", 1)[1] for line in out.splitlines()] == [
        f"{made.id}  {queue}  demo.add  new -> ready",
        f"{made.id}  {queue}  demo.add  ready -> leased by w1",
    ]
    lines = run(f"events --queue {queue} --after {begin} --max 2 --json")[1].splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["ready", "leased"]
    code, _, err = run("events --after rubbish --max 1")
    assert (code, "invalid_cursor" in err) == (4, True)
