"""The route table, on one screen: method, path, operation (the operationId in `openapi.yaml`), handler."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from starlette.routing import Route

from headrace_server.api import batches, jobs, leases, queues, server, workers
from headrace_server.api.call import Call, Reply

Handler: TypeAlias = Callable[[Call], Awaitable[Reply]]


class Operation:
    """A handler in a Starlette route; the application calls it with a Call instead of a request."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler

    def __call__(self) -> None:
        """Starlette wants a callable; only `Application` knows how to run this one."""
        raise TypeError("an operation is run by the application, not as an endpoint")


def _route(method: str, path: str, operation: str, handler: Handler) -> Route:
    return Route(path, Operation(handler), methods=[method], name=operation)


ROUTES: Final = [
    _route("POST", "/v1/jobs", "enqueueJob", jobs.enqueue_job),
    _route("POST", "/v1/jobs/batch", "enqueueJobs", batches.enqueue_jobs),
    _route("GET", "/v1/jobs/{id}", "getJob", jobs.get_job),
    _route("GET", "/v1/jobs/{id}/result", "getResult", jobs.get_result),
    _route("POST", "/v1/jobs/{id}/cancel", "cancelJob", jobs.cancel_job),
    _route("POST", "/v1/leases", "leaseJobs", leases.lease_jobs),
    _route("POST", "/v1/jobs/{id}/ack", "ackJob", leases.ack_job),
    _route("POST", "/v1/jobs/{id}/nack", "nackJob", leases.nack_job),
    _route("POST", "/v1/jobs/{id}/release", "releaseJob", leases.release_job),
    _route("POST", "/v1/jobs/{id}/snooze", "snoozeJob", leases.snooze_job),
    _route("POST", "/v1/jobs/{id}/extend", "extendJob", leases.extend_job),
    _route("POST", "/v1/completions", "completeJobs", leases.complete_jobs),
    _route("POST", "/v1/workers/{id}/heartbeat", "heartbeat", workers.heartbeat),
    _route("GET", "/v1/queues", "listQueues", queues.list_queues),
    _route("GET", "/v1/queues/{queue}/stats", "getQueueStats", queues.queue_stats),
    _route("GET", "/v1/server", "getServer", server.get_server),
    _route("GET", "/livez", "getLiveness", server.livez),
    _route("GET", "/readyz", "getReadiness", server.readyz),
]
