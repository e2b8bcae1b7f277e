"""`headrace check` beside a running server, and what HEADRACE_EVENTS and HEADRACE_CHECK_INTERVAL_MS have it do."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.servers import ServerProcess, run_headrace
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually

READY = "hr:{0}:q:q:ready"


def enqueue(server: ServerProcess) -> bytes:
    """Enqueue a job and return its id."""
    reply = httpx.post(f"{server.url}/v1/jobs", json={"task": "t", "queue": "q"})
    assert reply.status_code == 201
    return bytes.fromhex(reply.json()["id"].replace("-", ""))


def test_it_joins_the_store_of_a_running_server_and_finds_nothing(server: ServerProcess) -> None:
    enqueue(server)
    code, out, _ = run_headrace("check", "--data-dir", str(server.data_dir))
    assert (code, out.endswith("everything agrees\n")) == (0, True)
    assert httpx.get(f"{server.url}/readyz").status_code == 200


def test_a_finding_is_told_and_mended_only_when_asked_for(
    make_server: Callable[..., ServerProcess], valkey: StoreProcess
) -> None:
    server = make_server(redis_url=valkey.url)
    job_id = enqueue(server)
    valkey.call("ZREM", READY, job_id)
    code, out, _ = run_headrace("check", "--redis", valkey.url)
    assert code == 1
    assert "kind=place" in out
    assert "is ready and does not lie there" in out
    assert "mend them with --repair" in out
    code, out, _ = run_headrace("check", "--redis", valkey.url, "-o", "json")
    [told] = (whole := json.loads(out))["disagreements"]
    assert (code, told["kind"], whole["found"], whole["repaired"]) == (1, "place", 1, False)
    code, out, _ = run_headrace("check", "--redis", valkey.url, "--repair", "-o", "jsonl")
    finding, summary = (json.loads(line) for line in out.splitlines())
    assert (code, finding["kind"], finding["queue"], summary["found"], summary["repaired"]) == (
        1,
        "place",
        "q",
        1,
        True,
    )
    assert run_headrace("check", "--redis", valkey.url)[0] == 0
    grant = httpx.post(f"{server.url}/v1/leases", json={"queues": ["q"]}).json()
    assert [job["id"].replace("-", "") for job in grant["jobs"]] == [job_id.hex()]


def test_a_folder_without_data_is_not_made(tmp_path: Path) -> None:
    code, _, told = run_headrace("check", "--data-dir", str(tmp_path / "none"))
    assert (code, "There is no data in" in told) == (78, True)
    assert not (tmp_path / "none").exists()


def test_a_server_mends_by_itself(make_server: Callable[..., ServerProcess], valkey: StoreProcess) -> None:
    server = make_server(redis_url=valkey.url, env={"HEADRACE_CHECK_INTERVAL_MS": "50"})
    job_id = enqueue(server)
    valkey.call("ZREM", READY, job_id)
    eventually(lambda: valkey.call("ZSCORE", READY, job_id) is not None, 20.0, "the job is back in its place")
    eventually(lambda: "the check found and mended" in server.output(), 20.0, "it is logged")


@pytest.mark.parametrize("always", [True, False])
def test_the_log_of_events_is_kept_where_it_is_wanted(
    make_server: Callable[..., ServerProcess], valkey: StoreProcess, always: bool
) -> None:
    server = make_server(redis_url=valkey.url, env={"HEADRACE_EVENTS": "1" if always else "0"})
    if always:
        eventually(lambda: valkey.call("HGET", "hr:{0}:meta", "events_until") is not None, 20.0, "the log is begun")
    enqueue(server)
    assert valkey.call("EXISTS", "hr:{0}:events") == int(always)
