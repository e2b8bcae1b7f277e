"""A trace goes from the producer through job and task to the jobs that the task sends away."""

import pytest
from headrace import Client
from headrace.tracing import trace_context

from tests.sdk.worker.conftest import MakeWorker, ended
from tests.support.servers import ServerProcess

APP = "tests.sdk.worker.tracing:app"
TRACE = {
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "vendor=x",
    "baggage": "tenant=5",
}


@pytest.mark.parametrize("task", ["relay", "relay_async", "relay_many"])
def test_a_trace_goes_from_the_producer_to_the_jobs_of_its_jobs(
    shared_server: ServerProcess, client: Client, queue: str, make_worker: MakeWorker, task: str
) -> None:
    make_worker(shared_server.url, app=APP)
    with trace_context(TRACE):
        traced = client.enqueue(task, [queue], queue=queue)
    untraced = client.enqueue(task, [queue], queue=queue)
    assert traced.trace == TRACE
    assert untraced.trace == {}
    for first, expected in ((traced, TRACE), (untraced, {})):
        seen, second = ended(client, first.id).result
        assert seen == expected
        last = ended(client, second)
        assert (last.trace, last.result) == (expected, expected)
