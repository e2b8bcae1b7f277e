"""GET /metrics and /metrics/jobs, read by the parsers of prometheus_client: another hand than the one that writes."""

from collections.abc import Iterable

import pytest
from headrace_server.api.door import Door
from headrace_server.telemetry.catalogue import ALL, BY_NAME, Endpoint, Kind, Metric
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from tests.api.conftest import Api, with_door

pytestmark = pytest.mark.anyio
# what Prometheus 2.42 sends
ACCEPT = (
    "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(api: Api, path: str = "/metrics/jobs") -> list[Family]:
    reply = await api.get(path)
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    return [*read_text(reply.text)]


async def series(api: Api, path: str = "/metrics/jobs") -> Series:
    return flat(await scraped(api, path))


def flat(families: Iterable[Family]) -> Series:
    samples = [sample for family in families for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples), "a series is told twice"
    return found


def of(found: Series, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


async def busy(api: Api) -> None:
    """Let there be some of everything."""
    await api.post("/v1/workers/w1/heartbeat", {"info": {"queues": ["mail"], "slots": 4}})
    for task in ("send", "send", "bill"):
        await api.enqueue(task=task, queue="mail")
    good, bad, _ = await api.lease(queues=["mail"], max=3, worker={"id": "w1"})
    await api.post(f"/v1/jobs/{good['id']}/ack", {"token": good["token"]})
    error = {"type": "E", "message": "m"}
    await api.post(f"/v1/jobs/{bad['id']}/nack", {"token": bad["token"], "error": error, "retryable": False})
    every = {"every_ms": 60_000, "starts_at": "2020-01-01T00:00:00Z", "job": {"task": "clean", "queue": "mail"}}
    assert (await api.http.put("/v1/schedules/cleanup", json=every)).status_code == 200
    await api.post("/v1/schedules/cleanup/trigger", {})
    hook = {"url": "https://receiver.example/", "paused": True}
    assert (await api.http.put("/v1/webhooks/audit", json=hook)).status_code == 201


async def test_what_is_told_is_what_the_catalogue_lists(api: Api) -> None:
    await busy(api)
    for endpoint in (Endpoint.JOBS, Endpoint.PROCESS):
        listed = {metric.name for metric in ALL if metric.endpoint is endpoint}
        families = {_full_name(family): family for family in await scraped(api, endpoint.value)}
        rare = {
            "headrace_store_call_errors_total",
            "headrace_loop_faults_total",
            "headrace_webhook_attempts_total",
            "headrace_loop_lag_seconds",
            "headrace_schedule_last_timestamp_seconds",
        }
        assert listed - rare <= families.keys() <= listed
        for name, family in families.items():
            assert _faults(family, BY_NAME[name]) == []


def _full_name(family: Family) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def _faults(family: Family, metric: Metric) -> list[str]:
    labels = {frozenset(sample.labels) - {"le"} for sample in family.samples}
    facts = [
        (family.type, metric.kind.value),
        (family.documentation, metric.meaning),
        (labels, {frozenset(metric.labels)}),
    ]
    bounds = {float(sample.labels["le"]) for sample in family.samples if "le" in sample.labels}
    facts.append((bounds, {*metric.bounds, float("inf")} if metric.kind is Kind.HISTOGRAM else set()))
    return [f"{metric.name}: {told} is not {listed}" for told, listed in facts if told != listed]


async def test_both_formats_tell_the_same(api: Api) -> None:
    await busy(api)
    text = await api.get("/metrics/jobs")
    open_ = await api.get("/metrics/jobs", accept=ACCEPT)
    assert open_.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    changing = {"headrace_scrape_seconds", "headrace_store_latency_seconds", "headrace_store_memory_bytes"}
    changing |= {"headrace_store_clock_timestamp_seconds", "headrace_queue_oldest_ready_seconds"}
    found = [flat(read_text(text.text)), flat(read_openmetrics(open_.text))]
    steady = [{key: value for key, value in each.items() if key[0] not in changing} for each in found]
    assert steady[0] == steady[1]
    assert [*read_openmetrics((await api.get("/metrics", accept=ACCEPT)).text)]


async def test_jobs_are_counted_by_queue_and_by_task(api: Api) -> None:
    await busy(api)
    found = await series(api)
    counted = {
        word: of(found, f"headrace_jobs_{word}_total", queue="mail") for word in ("enqueued", "leased", "succeeded")
    }
    assert counted == {"enqueued": 4, "leased": 3, "succeeded": 1}
    depth = {
        state: of(found, "headrace_queue_depth", queue="mail", state=state) for state in ("leased", "dead", "ready")
    }
    assert depth == {"leased": 1, "dead": 1, "ready": 1}
    assert of(found, "headrace_queue_backlog", queue="mail") == of(found, "headrace_backlog") == 2
    outcomes = {
        o: of(found, "headrace_task_outcomes_total", task="send", outcome=o) for o in ("succeeded", "failed", "dead")
    }
    assert outcomes == {"succeeded": 1, "failed": 1, "dead": 1}
    assert of(found, "headrace_task_run_seconds_count", task="send") == 2
    assert of(found, "headrace_task_wait_seconds_bucket", task="bill", le="+Inf") == 1
    assert of(found, "headrace_schedule_fired_total", schedule="cleanup") == 1


async def test_a_queue_knows_who_serves_it(api: Api) -> None:
    for queue in ("mail", "pics"):
        await api.enqueue(queue=queue)
    told = {
        "w1": {"queues": ["mail"], "slots": 8},
        "w2": {"queues": ["mail"]},
        "w3": {"state": "quiet", "queues": ["pics"]},
    }
    for worker, info in told.items():
        await api.post(f"/v1/workers/{worker}/heartbeat", {"info": info})
    await api.post("/v1/workers/w2/quiet", {})
    found = await series(api)
    assert [of(found, "headrace_queue_workers", queue=queue) for queue in ("mail", "pics")] == [1, 0]
    assert [of(found, "headrace_worker_up", worker=worker) for worker in told] == [1, 1, 1]
    assert [of(found, "headrace_worker_slots", worker=worker) for worker in told] == [8, None, None]
    assert of(found, "headrace_queue_polled", queue="pics") == 0
    await api.lease(queues=["pics"])
    assert of(await series(api), "headrace_queue_polled", queue="pics") == 1
    await api.post("/v1/workers/w4/heartbeat", {"info": {"slots": 1}})  # takes jobs, and does not say of which queues
    assert of(await series(api), "headrace_queue_workers", queue="pics") == 1


async def test_without_a_store_it_is_told_that_it_is_away(without_store: Api) -> None:
    assert await series(without_store) == {("headrace_store_up", frozenset()): 0}
    assert (await without_store.post("/v1/jobs", {"task": "t"})).status_code == 503
    found = await series(without_store, "/metrics")
    assert of(found, "headrace_store_call_errors_total", verb="enqueue") == 1
    await without_store.http.aclose()


async def test_requests_are_counted_by_the_template_of_their_route(api: Api) -> None:
    job = await api.enqueue()
    for path in (f"/v1/jobs/{job['id']}", f"/v1/jobs/{'0' * 36}", "/v1/nowhere"):
        await api.get(path)
    found = await series(api, "/metrics")

    def count(route: str, status: str) -> float | None:
        return of(found, "headrace_http_requests_total", route=route, method="GET", status=status)

    assert (count("/v1/jobs/{id}", "2xx"), count("/v1/jobs/{id}", "4xx"), count("(none)", "4xx")) == (1, 1, 1)
    assert of(found, "headrace_http_request_seconds_count", route="/v1/jobs/{id}", method="GET") == 2
    assert of(found, "headrace_http_requests_open") == 1, "this one"
    assert not [labels for _, labels in found if job["id"] in str(labels)]
    assert (of(found, "headrace_store_call_seconds_count", verb="enqueue"), of(found, "headrace_ready")) == (1, 1)


async def test_what_a_client_invents_makes_no_series(api: Api) -> None:
    before = len(await series(api, "/metrics"))
    for number in range(20):
        await api.http.request(f"X{number}", f"/v1/jobs/{number}")
        await api.get(f"/invented/{number}")
    after = {key for key in await series(api, "/metrics") if "(none)" in str(key)}
    methods = {dict(labels)["method"] for _, labels in after}
    assert methods == {"GET", "(other)"}
    assert len(await series(api, "/metrics")) - before <= len(after) + 20  # those of GET /metrics itself


@pytest.mark.parametrize("path", ["/metrics", "/metrics/jobs"])
async def test_they_are_for_those_who_have_a_token(api: Api, path: str) -> None:
    door = Door(tokens=["secret"], allowed_origins=[], host="127.0.0.1", any_host=True)
    async with with_door(api, door) as http:
        assert (await http.get(path)).status_code == 401
        assert (await http.get(path, headers={"Authorization": "Bearer secret"})).status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/metrics/jobs"])
async def test_nobody_gets_them_as_json(api: Api, path: str) -> None:
    reply = await api.get(path, accept="application/json")
    assert (reply.status_code, reply.json()["code"]) == (406, "not_acceptable")


async def test_readiness_is_told(api: Api) -> None:
    api.status.draining = True
    assert of(await series(api, "/metrics"), "headrace_ready") == 0
