"""codestats: real files, one queue, workers in two languages, and the same figures counted here."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.needs import missing
from tests.support.processes import Child
from tests.support.proxy import Fault, Proxy
from tests.support.servers import HEADRACE, ServerProcess, clean_env
from tests.support.waiting import eventually

EXAMPLE = Path(__file__).parents[2] / "examples/codestats"
STDLIB = Path(sysconfig.get_path("stdlib"))


def count(path: Path) -> dict[str, Any]:
    """Count as the definition in the workers says, in other words than theirs."""
    data = path.read_bytes()
    names = Counter(found.decode() for found in re.findall(rb"[A-Za-z_][A-Za-z0-9_]*", data))
    commonest = sorted(names, key=lambda name: (-names[name], name))[:10]
    return {"lines": data.count(b"\n"), "bytes": len(data), "names": [[name, names[name]] for name in commonest]}


def start_python(server: ServerProcess, folder: Path) -> Child:
    env = clean_env({"HEADRACE_URL": server.url, "PYTHONPATH": str(EXAMPLE)})
    return Child([str(HEADRACE), "worker", "worker:app"], folder / "python.log", env=env)


def start_node(server: ServerProcess, folder: Path, **settings: str) -> Child:
    env = clean_env({"HEADRACE_URL": server.url, "WORKER_ID": "node", **settings})
    return Child(["node", str(EXAMPLE / "worker.mjs")], folder / "node.log", env=env)


@pytest.fixture
def http(server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        yield client


@pytest.fixture
def workers(server: ServerProcess, http: httpx.Client, tmp_path: Path) -> Iterator[list[Child]]:
    """One worker of each language, both known to the server: they take jobs from now on, and hear signals."""
    if not shutil.which("node"):
        missing("node is not on PATH")
    children = [start_python(server, tmp_path), start_node(server, tmp_path)]
    eventually(lambda: len(http.get("/v1/workers").json()["workers"]) == len(children), 30, "both workers are there")
    yield children
    for child in children:
        child.end()


def produce(server: ServerProcess, *folder: str) -> list[str]:
    """Run producer.sh and return the ids that it prints."""
    done = run_producer(server.url, *folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def run_producer(url: str, *folder: str) -> subprocess.CompletedProcess[str]:
    env = clean_env({"HEADRACE_URL": url, "PYTHON": sys.executable})
    command = ["sh", str(EXAMPLE / "producer.sh"), *folder]
    return subprocess.run(command, env=env, check=False, capture_output=True, text=True)


def report(server: ServerProcess, ids: list[str]) -> subprocess.CompletedProcess[str]:
    env = clean_env({"HEADRACE_URL": server.url})
    command = [sys.executable, str(EXAMPLE / "reporter.py")]
    return subprocess.run(command, env=env, input="\n".join(ids), check=False, capture_output=True, text=True)


def document(http: httpx.Client, job_id: str) -> str:
    """Return a job as the server writes it."""
    return http.get(f"/v1/jobs/{job_id}").text


def counts(http: httpx.Client) -> dict[str, int]:
    found: dict[str, int] = http.get("/v1/queues/codestats/stats").json()["counts"]
    return found


def test_both_workers_count_the_standard_library(
    server: ServerProcess, http: httpx.Client, workers: list[Child]
) -> None:
    expected = {str(p): count(p) for p in STDLIB.rglob("*.py") if "site-packages" not in p.parts and not p.is_symlink()}
    ids = produce(server)
    done = report(server, ids)
    assert done.returncode == 0, done.stderr
    total = sum(figures["lines"] for figures in expected.values())
    assert done.stdout.startswith(f"{len(expected):,} files, {total:,} lines, ")

    documents = [document(http, job_id) for job_id in ids]
    jobs = [json.loads(text) for text in documents]
    assert {job["payload"]["path"]: job["result"] for job in jobs} == expected
    shares = Counter(job["worker"] for job in jobs)
    assert len(shares) == 2, f"one worker did it all: {shares}"
    assert min(shares.values()) > 20
    for job, text in zip(jobs, documents, strict=True):  # the two agree in every byte, in the order of the fields too
        assert f'"result":{json.dumps(expected[job["payload"]["path"]], separators=(",", ":"))}' in text


def test_both_workers_stop_when_they_are_told_and_lose_nothing(
    server: ServerProcess, http: httpx.Client, workers: list[Child], tmp_path: Path
) -> None:
    ids = produce(server)
    eventually(lambda: counts(http)["succeeded"] > 100, 30, "the workers are busy")
    assert [child.terminate() for child in workers] == [0, 0]
    assert 0 < counts(http)["ready"] < len(ids)
    assert counts(http)["leased"] == 0
    again = start_node(server, tmp_path)
    try:
        assert report(server, ids).returncode == 0
    finally:
        again.end()
    jobs = [json.loads(document(http, job_id)) for job_id in ids]
    assert {(job["attempt"], job["crashes"]) for job in jobs} == {(1, 0)}


@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_the_node_worker_ends_a_job_that_was_cancelled(
    server: ServerProcess, http: httpx.Client, tmp_path: Path, mode: str
) -> None:
    if not shutil.which("node"):
        missing("node is not on PATH")
    pipe, after = tmp_path / "slow.py", tmp_path / "after.py"
    os.mkfifo(pipe)
    after.write_text("x = 1\n")
    worker = start_node(server, tmp_path, HEARTBEAT_MS="50")
    try:
        first, second = produce_paths(http, pipe, after)
        with pipe.open("wb"):  # opened when the worker reads it
            http.post(f"/v1/jobs/{first}/cancel", json={"mode": mode, "reason": "enough"}).raise_for_status()
            told = (tmp_path / "node.log").read_text
            eventually(lambda: f"{first} shall end" in told(), 10, "the worker was told")
        assert http.get(f"/v1/jobs/{second}?wait=10").json()["state"] == "succeeded"
        job = http.get(f"/v1/jobs/{first}").json()
        assert (job["state"], job["reason"]) == ("cancelled", "enough")
    finally:
        worker.end()


def test_the_node_worker_is_known_and_does_what_it_is_told(
    server: ServerProcess, http: httpx.Client, tmp_path: Path
) -> None:
    if not shutil.which("node"):
        missing("node is not on PATH")
    one = tmp_path / "one.py"
    one.write_text("x = 1\n")
    worker = start_node(server, tmp_path, HEARTBEAT_MS="50")
    try:
        eventually(lambda: http.get("/v1/workers/node").status_code == 200, 10, "the worker is known")
        info = http.get("/v1/workers/node").json()["info"]
        assert (info["queues"], info["tasks"], info["busy"]) == (["codestats"], ["codestats.count"], 0)
        http.post("/v1/workers/node/quiet").raise_for_status()
        eventually(lambda: http.get("/v1/workers/node").json()["info"]["state"] == "quiet", 10, "it is quiet")
        [job] = produce_paths(http, one)
        assert http.get(f"/v1/jobs/{job}?wait=1").json()["state"] == "ready"
        http.post("/v1/workers/node/resume").raise_for_status()
        assert http.get(f"/v1/jobs/{job}?wait=10").json()["state"] == "succeeded"
        http.post("/v1/workers/node/stop").raise_for_status()
        eventually(lambda: http.get("/v1/workers/node").status_code == 404, 10, "the worker said goodbye")
        assert worker.wait(10) == 0
    finally:
        worker.end()


def produce_paths(http: httpx.Client, *paths: Path) -> list[str]:
    jobs = [{"task": "codestats.count", "queue": "codestats", "payload": {"path": str(path)}} for path in paths]
    done = http.post("/v1/jobs/batch", json={"jobs": jobs}).raise_for_status()
    return [job["id"] for job in done.json()["jobs"]]


def test_the_producer_repeats_a_request_whose_answer_was_lost(
    server: ServerProcess, http: httpx.Client, tmp_path: Path
) -> None:
    (tmp_path / "one.py").write_text("x = 1\n")
    with Proxy(server.port, faults=[Fault.CUT_REPLY]) as proxy:
        done = run_producer(proxy.url, str(tmp_path))
    assert (done.returncode, len(done.stdout.split())) == (0, 1), done.stderr
    assert counts(http)["ready"] == 1


def test_the_producer_shows_a_refusal_at_once(server: ServerProcess, http: httpx.Client, tmp_path: Path) -> None:
    (tmp_path / "with\ttab.py").write_text("x = 1\n")  # which the script does not escape: its body is no JSON
    done = run_producer(server.url, str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads(done.stderr)["status"] == 400
    assert answered(http) == {"4xx": 1}


def answered(http: httpx.Client) -> dict[str, int]:
    """Return how many batches were answered with which kind of status."""
    line = r'^headrace_http_requests_total\{route="/v1/jobs/batch",method="POST",status="(\dxx)"\} (\d+)$'
    return {status: int(times) for status, times in re.findall(line, http.get("/metrics").text, re.MULTILINE)}


def test_the_reporter_says_which_job_failed(server: ServerProcess, http: httpx.Client, tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("x = 1\n")
    ids = produce(server, str(tmp_path))
    assert len(ids) == 1
    lease = http.post("/v1/leases", json={"queues": ["codestats"], "worker": {"id": "test"}}).json()["jobs"][0]
    error = {"type": "Nope", "message": "cannot read it"}
    nack = {"token": lease["token"], "error": error, "retryable": False}
    http.post(f"/v1/jobs/{lease['id']}/nack", json=nack).raise_for_status()
    done = report(server, ids)
    assert done.returncode == 1
    assert "cannot read it" in done.stderr
