"""Every panel shows something: a Prometheus scrapes a server and a worker at work, and is asked what Grafana asks."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from headrace import Client, RetryPolicy, State, Webhook

from tests.alerts import programs
from tests.dashboards.boards import Query, queries
from tests.sdk.worker.conftest import WorkerProcess
from tests.support.servers import ServerProcess
from tests.support.waiting import eventually

TASK = "demo.fail"
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
SHOWN_S = 60.0
# Lines that are there only while something is wrong, or after a week.
ABSENT_IN_PEACE = {"Slots missed", "Scripts that failed", "Faults of background duties", "Requests that failed"}
ABSENT_AT_FIRST = {"a week before", "bound"}


@pytest.fixture
def server(make_server: Callable[..., ServerProcess]) -> ServerProcess:
    """A server that may tell webhooks on this machine."""
    return make_server(env={"HEADRACE_WEBHOOK_NETWORKS": "127.0.0.1/32"})


@pytest.fixture
def worker(server: ServerProcess, tmp_path: Path) -> Iterator[WorkerProcess]:
    """A worker with a health port, of the tasks of the demo."""
    flags = ("--queues", "default,boards", "--health-port", "127.0.0.1:0")
    made = WorkerProcess(tmp_path / "worker.log", server.url, "", *flags, app="headrace_worker.demo:app")
    try:
        yield made.ready()
    finally:
        made.process.end()


@pytest.fixture
def prometheus(server: ServerProcess, worker: WorkerProcess, tmp_path: Path) -> Iterator[programs.Daemon]:
    """A Prometheus that scrapes both each second, by the names of docker/prometheus/prometheus.yml."""
    eventually(lambda: worker.says("msg=health url=http://"), SHOWN_S)
    at = {
        ("headrace-server", "/metrics"): server.url,
        ("headrace-jobs", "/metrics/jobs"): server.url,
        ("headrace-worker", "/metrics"): worker.text().split("msg=health url=")[1].split()[0],
    }
    jobs = [
        {"job_name": job, "metrics_path": path, "static_configs": [{"targets": [url.removeprefix("http://")]}]}
        for (job, path), url in at.items()
    ]
    config = tmp_path / "prometheus.yml"
    config.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))
    made = programs.prometheus(config)
    try:
        yield made.ready()
    finally:
        made.end()


def keep_busy(client: Client) -> None:
    """Have a job of each kind end."""
    fine = [client.enqueue("demo.add", [1, 2], queue="boards").id for _ in range(3)]
    retried = RetryPolicy(max_attempts=2, initial_ms=10, jitter=False)
    failing = client.enqueue(TASK, queue="boards", retry=retried).id
    for job in (*fine, failing):
        client.wait(job, timeout=SHOWN_S)
    assert client.get(failing).state is State.DEAD


def has_lines(prometheus: programs.Daemon, query: Query) -> bool:
    found = prometheus.get("/api/v1/query", query=query.filled(queue="boards|default", task=TASK))
    return bool([each for each in found["data"]["result"] if each["value"][1] != "NaN"])


def test_every_panel_shows_something(server: ServerProcess, prometheus: programs.Daemon) -> None:
    wanted = [each for each in queries() if each.panel not in ABSENT_IN_PEACE and each.name not in ABSENT_AT_FIRST]
    with Client(server.url) as client:
        job = {"task": "demo.add", "payload": [1, 2], "queue": "boards"}
        client.put_webhook("boards", Webhook(url="http://127.0.0.1:9/", queues=("boards",), secret=SECRET))
        client.put_schedule("boards", {"every_ms": 1_000, "job": job})

        def all_there() -> bool:
            keep_busy(client)  # a rate needs a counter that has grown between two looks
            left = [query for query in wanted if not has_lines(prometheus, query)]
            assert left == [], [f"{query.board}: {query.panel}: {query.name}" for query in left]
            return True

        eventually(all_there, SHOWN_S, "every panel shows something")
        client.delete_schedule("boards")
