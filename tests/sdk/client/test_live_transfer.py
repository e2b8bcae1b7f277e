"""Jobs that are carried over, loads, completion, and what is asked at a terminal; against a real server."""

import json
import os
import pty
import subprocess
from pathlib import Path
from typing import Any

import pytest
from headrace import Client, JobError, NewJob, Raw, State, cli

from tests.support.commands import Run
from tests.support.servers import HEADRACE, ServerProcess, clean_env
from tests.support.waiting import eventually


@pytest.fixture
def client(shared_server: ServerProcess) -> Any:
    with Client(shared_server.url, format="msgpack") as made:
        yield made


def test_jobs_are_exported_and_imported_whole_and_once(run: Run, client: Client, queue: str, tmp_path: Path) -> None:
    plain = client.enqueue("t", {"n": 1.5, "$bin": "no"}, queue=queue, priority=7, tags={"a": "b"}, delay_ms=3_600_000)
    binary = client.enqueue("t", {"raw": b"\x00\xff"}, queue=queue, limits=["x:1"], ordering_key="o")
    file = tmp_path / "jobs.jsonl"
    code, _, _ = run(f"export --queue {queue} -f", str(file))
    assert code == 0
    assert len(file.read_text().splitlines()) == 2
    for _ in range(2):  # an import that is repeated makes no job twice
        assert run("import", str(file), "--queue", f"{queue}.new")[:2] == (0, "2 jobs are there\n")
    found = {job.id: client.get(job.id) for job in client.iter_jobs(queue=f"{queue}.new")}
    assert len(found) == 2
    [late] = [job for job in found.values() if job.state is State.SCHEDULED]
    [other] = [job for job in found.values() if job.state is State.READY]
    assert late.payload == {"n": 1.5, "$bin": "no"}
    assert (late.priority, late.tags, late.run_at) == (7, {"a": "b"}, plain.run_at)
    assert client.payload_bytes(other.id) == client.payload_bytes(binary.id)
    assert (other.limits, other.ordering_key) == (("x:1",), "o")


def test_an_export_is_as_long_as_was_asked_for(run: Run, client: Client, queue: str) -> None:
    client.enqueue_batch([NewJob(task="t", queue=queue)] * 5, atomic=False)
    lines = run(f"export --queue {queue} --limit 3")[1].splitlines()
    assert [json.loads(line)["task"] for line in lines] == ["t"] * 3


def test_what_is_no_job_is_told_with_its_line(run: Run, client: Client, queue: str, tmp_path: Path) -> None:
    file = tmp_path / "jobs.jsonl"
    job = {"task": "t", "queue": queue}
    file.write_text("\n".join(json.dumps(line) for line in (job, {**job, "priority": 999}, job)))
    code, out, err = run("import", str(file))
    assert (code, out) == (4, "2 jobs are there, 1 lines were refused\n")
    assert "line 2: " in err
    file.write_text(json.dumps({"queue": queue}))
    code, _, err = run("import", str(file))
    assert (code, "line 1 is no job (it names no task)" in err) == (2, True)
    code, _, err = run("import", str(tmp_path / "nowhere"))
    assert (code, "cannot be opened" in err) == (2, True)
    assert client.queue_stats(queue).counts[State.READY] == 2


def test_raw_payloads_travel_with_their_type(run: Run, client: Client, queue: str, tmp_path: Path) -> None:
    made = client.enqueue("t", Raw(b"<a/>", "application/xml"), queue=queue)
    file = tmp_path / "jobs.jsonl"
    run(f"export --queue {queue} -f", str(file))
    assert json.loads(file.read_text())["payload_type"] == "application/xml"
    run("import", str(file), "--queue", f"{queue}.new")
    [job] = client.iter_jobs(queue=f"{queue}.new")
    assert client.payload_bytes(job.id) == client.payload_bytes(made.id)


def test_bench_measures_and_leaves_nothing_behind(run: Run, client: Client, queue: str) -> None:
    code, out, _ = run(f"bench --seconds 0.3 --clients 4 --batch 50 --queue {queue} -o json")
    assert code == 0
    phases = json.loads(out)
    assert [each["phase"] for each in phases] == ["enqueue", "enqueue in bulk", "lease and ack", "enqueue to start"]
    assert all(each["jobs"] > 0 and each["p99_ms"] >= each["p50_ms"] > 0 for each in phases)
    stats = client.queue_stats(queue)
    assert {state for state, n in stats.counts.items() if n} == {State.SUCCEEDED}, "what ended goes by itself"
    assert run(f"bench --only enqueue,dive --queue {queue}")[0] == 2
    code, _, err = run(f"bench --queue {queue}")
    assert (code, "would be purged" in err) == (2, True)


def test_dead_letters_are_counted_by_their_cause(run: Run, client: Client, queue: str) -> None:
    for error in ("Timeout", "Timeout", "Auth"):
        client.enqueue("t", queue=queue)
        [leased] = client.lease(queue).jobs
        client.nack(leased.id, leased.token, error=JobError(type=error), retryable=False)
    found = json.loads(run(f"dead --queue {queue} --summary -o json")[1])
    assert [(each["task"], each["error"], each["jobs"]) for each in found] == [("t", "Timeout", 2), ("t", "Auth", 1)]
    ids = [json.loads(line)["id"] for line in run(f"dead --queue {queue} -o jsonl")[1].splitlines()]
    code, out, err = run("retry", *ids, "01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f")
    assert (code, len(ids), "not_found" in err) == (3, 3, True)
    assert out.count(" ready\n") == 3, "one that is not there does not stop the others"


def test_tail_shows_what_was_asked_for(run: Run, client: Client, queue: str) -> None:
    begin = client.events(queue=queue).cursor
    for task in ("a", "b"):
        client.enqueue(task, queue=queue)
    client.lease(queue, max_jobs=2)
    lines = run(f"tail --queue {queue} --task b --state leased --after={begin} --max 1 -o jsonl")[1].splitlines()
    assert [(json.loads(line)["task"], json.loads(line)["state"]) for line in lines] == [("b", "leased")]


def test_top_draws_queues_and_workers(run: Run, client: Client, queue: str) -> None:
    client.enqueue("t", queue=queue)
    client.heartbeat(f"{queue}-w")
    code, out, _ = run("top")
    assert code == 0, "off a terminal: one picture"
    assert any(line.split()[:3] == [queue, "1", "1"] for line in out.splitlines())
    pictures = [json.loads(line) for line in run("top -n 2 -i 0.05 -o jsonl")[1].splitlines()]
    assert len(pictures) == 2
    assert pictures[1]["workers"]["up"] >= 1
    assert next(q for q in pictures[1]["queues"] if q["queue"] == queue)["done_per_s"] == 0


def test_workers_are_listed_and_told_what_to_do(run: Run, client: Client, queue: str) -> None:
    name = f"{queue}-w"
    client.heartbeat(name)
    assert name in run("workers")[1]
    assert json.loads(run("workers show", name, "-o", "json")[1])["state"] == "up"
    assert json.loads(run("workers quiet", name, "-o", "json")[1])["directive"] == "quiet"
    assert client.heartbeat(name).directive == "quiet"
    assert json.loads(run("workers resume", name, "-o", "json")[1])["directive"] == "run"
    code, _, err = run("workers forget", name)
    assert (code, "worker_up" in err) == (4, True)
    assert run("workers stop")[0] == 2
    assert run("workers show nobody")[0] == 3
    client.heartbeat(name, final=True)


def test_config_says_where_commands_go(run: Run, shared_server: ServerProcess) -> None:
    told = json.loads(run("config -o json")[1])
    assert (told["url"], told["url_from"], told["token"]) == (shared_server.url, "--url", "none")
    assert told["server"]["durability"] == "fsync"
    assert "server: durability" in run("config")[1]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(word in script for word in ("enqueue", "purge", "workers", "--max-attempts", "doctor"))


def test_bash_completes_a_command_with_the_script(tmp_path: Path) -> None:
    script = subprocess.run([HEADRACE, "completion", "bash"], capture_output=True, text=True, check=True).stdout
    (tmp_path / "headrace.bash").write_text(script)
    typed = "COMP_WORDS=(headrace wor); COMP_CWORD=1; _shtab_headrace; echo ${COMPREPLY[@]}"
    ask = f"source {tmp_path}/headrace.bash; {typed}"
    told = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True).stdout
    assert sorted(told.split()) == ["worker", "workers"]


def test_options_may_stand_before_the_payload(run: Run, queue: str) -> None:
    code, out, _ = run(f"enqueue t --queue {queue} --json --priority 9", "[1, 2]")
    assert (code, json.loads(out)["payload"], json.loads(out)["priority"]) == (0, [1, 2], 9)


@pytest.mark.parametrize(("answer", "left"), [("y", 0), ("n", 1), ("", 1)])
def test_purge_asks_at_a_terminal(
    shared_server: ServerProcess, client: Client, queue: str, answer: str, left: int
) -> None:
    client.enqueue("t", queue=queue)
    ours, theirs = pty.openpty()
    words = [HEADRACE, "purge", queue, "--wait", "10", "--url", shared_server.url]
    with subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs, env=clean_env()) as process:
        os.close(theirs)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(ours, 1000)
        os.write(ours, f"{answer}\n".encode())
        said += _rest(ours)
        assert process.wait(20) == 0
    os.close(ours)
    assert f"Remove the waiting jobs of {queue}".encode() in said
    eventually(lambda: client.queue_stats(queue).counts.get(State.READY, 0) == left, 5)


def test_nobody_is_asked_off_a_terminal(run: Run, client: Client, queue: str) -> None:
    client.enqueue("t", queue=queue)
    assert json.loads(run(f"purge {queue} --wait 10 -o json")[1])["done"] == 1


def _rest(terminal: int) -> bytes:
    said = b""
    while True:
        try:
            data = os.read(terminal, 1000)
        except OSError:  # the other end is closed
            return said
        if not data:
            return said
        said += data
