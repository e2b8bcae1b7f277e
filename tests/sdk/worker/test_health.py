"""The probes of a worker: alive, ready, and how much it does."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
from headrace import Client, State
from headrace_server.telemetry.catalogue import ALL, Endpoint
from headrace_worker import bounds
from headrace_worker.health import Answer, Health, told
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

from tests.sdk.worker.conftest import END_S, MakeWorker, WorkerProcess, ended
from tests.support.proxy import Proxy
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

PROBED = ("--health-port", "127.0.0.1:0")


def door(worker: WorkerProcess) -> str:
    """Return the URL at which a worker answers probes."""
    eventually(lambda: worker.says("msg=health url="), END_S)
    return worker.text().split("msg=health url=")[1].split()[0]


def asked(url: str, path: str) -> tuple[int, dict[str, object]]:
    reply = httpx.get(url + path, timeout=10.0)
    return reply.status_code, reply.json()


def metrics(url: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return the samples of /metrics by name and labels."""
    samples = (sample for family in families(url) for sample in family.samples)
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


def families(url: str) -> list[Family]:
    return [*text_string_to_metric_families(httpx.get(url + "/metrics").raise_for_status().text)]


def test_a_worker_that_takes_jobs_is_alive_and_ready(shared_server: ServerProcess, make_worker: MakeWorker) -> None:
    url = door(make_worker(shared_server.url, *PROBED))
    assert asked(url, "/livez") == (200, {"status": "ok"})
    eventually(lambda: asked(url, "/readyz") == (200, {"status": "ok"}), END_S)
    assert asked(url, "/elsewhere")[0] == 404


def test_a_worker_is_alive_but_not_ready_while_it_imports(
    shared_server: ServerProcess, queue: str, tmp_path: Path
) -> None:
    (tmp_path / "waiting_app.py").write_text(
        "import pathlib, time\n"
        "from headrace import App\n"
        "while not pathlib.Path(__file__).with_name('go').exists():\n"
        "    time.sleep(0.01)\n"
        "app = App()\n"
    )
    env = {"PYTHONPATH": str(tmp_path)}
    worker = WorkerProcess(tmp_path / "log", shared_server.url, queue, *PROBED, app="waiting_app:app", env=env)
    try:
        url = door(worker)
        assert asked(url, "/livez")[0] == 200
        assert asked(url, "/readyz") == (503, {"status": "not ready", "why": ["it is starting"]})
        assert httpx.get(url + "/metrics").status_code == 503
        (tmp_path / "go").touch()
        eventually(lambda: asked(url, "/readyz")[0] == 200, END_S)
        assert httpx.get(url + "/metrics").status_code == 200
    finally:
        worker.process.end()


def test_a_worker_that_cannot_reach_the_server_is_not_ready_and_says_why(
    shared_server: ServerProcess, make_worker: MakeWorker
) -> None:
    with Proxy(shared_server.port) as proxy:
        url = door(make_worker(proxy.url, *PROBED))
        eventually(lambda: asked(url, "/readyz")[0] == 200, END_S)
        proxy.refuse()
        eventually(lambda: asked(url, "/readyz") == (503, {"status": "not ready", "why": ["lease fails"]}), END_S)
        assert asked(url, "/livez")[0] == 200, "killing it would mend nothing"
        assert metrics(url)["headrace_worker_request_failures_total", (("request", "lease"),)] >= 1
        proxy.accept()
        eventually(lambda: asked(url, "/readyz")[0] == 200, END_S)


def test_a_worker_that_drains_is_alive_and_not_ready(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    worker = make_worker(shared_server.url, *PROBED)
    url, started, go = door(worker), tmp_path / "started", tmp_path / "go"
    client.enqueue("block", [str(started), str(go)], queue=queue)
    eventually(started.exists, END_S)
    worker.process.signal(15)
    eventually(lambda: asked(url, "/readyz") == (503, {"status": "not ready", "why": ["stopping"]}), END_S)
    assert asked(url, "/livez")[0] == 200
    go.touch()
    assert worker.process.wait(END_S) == 0


def test_the_metrics_count_what_became_of_jobs(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, tmp_path: Path
) -> None:
    url = door(make_worker(shared_server.url, *PROBED, "--processes", "1", "--threads", "3", "--name", f"{queue}-w"))
    started, go = tmp_path / "started", tmp_path / "go"
    client.enqueue("block", [str(started), str(go)], queue=queue)
    for _ in range(3):
        assert ended(client, client.enqueue("noop", queue=queue).id).state is State.SUCCEEDED
    assert ended(client, client.enqueue("one_argument", [1, 2], queue=queue).id).state is State.DEAD
    eventually(started.exists, END_S)

    def counted() -> bool:
        seen = metrics(url)
        noop, failed = ("task", "noop"), (("outcome", "failed"), ("task", "one_argument"))
        return (
            seen["headrace_worker_jobs_total", (("outcome", "succeeded"), noop)] == 3
            and seen["headrace_worker_jobs_total", failed] == 1
            and seen["headrace_worker_run_seconds_bucket", (("le", "+Inf"), noop)] == 3
            and seen["headrace_worker_run_seconds_count", (noop,)] == 3
            and (seen["headrace_worker_usable_slots", ()], seen["headrace_worker_busy_slots", ()]) == (3, 1)
            and seen["headrace_worker_leases", ()] == 1
            and seen["headrace_worker_state", (("state", "run"),)] == 1
            and seen["headrace_worker_children", ()] == 1
            and seen["headrace_worker_ready", ()] == 1
        )

    eventually(counted, END_S)
    assert any(name == "process_cpu_seconds_total" for name, _ in metrics(url))
    assert unlisted(url) == []
    go.touch()


def unlisted(url: str) -> list[str]:
    """Return in what the worker's metrics are not those of the catalogue."""
    told = {_full_name(family): family for family in families(url) if family.name.startswith("headrace_")}
    listed = {metric.name: metric for metric in ALL if metric.endpoint is Endpoint.WORKER}
    faults = [f"{name} is told or listed alone" for name in told.keys() ^ listed.keys()]
    for name in told.keys() & listed.keys():
        family, metric = told[name], listed[name]
        labels = {frozenset(sample.labels) - {"le"} for sample in family.samples} or {frozenset(metric.labels)}
        if (family.type, family.documentation, labels) != (metric.kind, metric.meaning, {frozenset(metric.labels)}):
            faults.append(f"{name}: {family.type}, {family.documentation}, {labels}")
        bounds = {float(sample.labels["le"]) for sample in family.samples if "le" in sample.labels}
        if bounds - {float("inf")} != {*metric.bounds}:
            faults.append(f"{name} has the bounds {bounds}")
    return faults


def _full_name(family: Family) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def test_a_port_that_is_taken_is_told_in_one_line(shared_server: ServerProcess, queue: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        worker = WorkerProcess(tmp_path / "log", shared_server.url, queue, "--health-port", address)
        assert worker.process.wait(END_S) == 78
    assert worker.text() == f"headrace worker: cannot answer probes on {address}: Address already in use\n"


@pytest.fixture
async def health() -> AsyncIterator[Callable[[], str]]:
    """A door with one page, which tells in which thread it was made."""
    import threading

    def page() -> Answer:
        return told(HTTPStatus.OK, thread=threading.current_thread().name)

    made = Health({"/page": page})
    made.open("127.0.0.1", 0)
    yield lambda: made.url
    await asyncio.to_thread(made.close)


@pytest.mark.anyio
async def test_an_answer_is_made_on_the_event_loop(health: Callable[[], str]) -> None:
    reply = await asyncio.to_thread(httpx.get, health() + "/page")
    assert reply.json() == {"thread": "MainThread"}
    assert reply.headers["cache-control"] == "no-store"
    assert (await asyncio.to_thread(httpx.head, health() + "/page")).content == b""


@pytest.mark.anyio
async def test_a_loop_that_hangs_is_found_out(health: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "PULSE_S", 0.1)
    asking = asyncio.create_task(asyncio.to_thread(httpx.get, health() + "/page"))
    await asyncio.sleep(0)  # the thread is on its way
    time.sleep(1.0)
    reply = await asking
    assert (reply.status_code, reply.json()["status"]) == (503, "stuck")


@pytest.mark.anyio
async def test_connections_that_say_nothing_do_not_pile_up(
    health: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = httpx.URL(health()).port
    assert port is not None
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(bounds.PROBES)]
    with socket.create_connection(("127.0.0.1", port), timeout=END_S) as one_more:
        assert await asyncio.to_thread(one_more.recv, 1) == b"", "turned away"
    for connection in silent:
        connection.close()

    async def answers() -> bool:
        try:
            return (await asyncio.to_thread(httpx.get, health() + "/page")).status_code == 200
        except httpx.TransportError:
            return False

    from tests.support.waiting import eventually_async

    await eventually_async(answers, END_S, "there is room again")
