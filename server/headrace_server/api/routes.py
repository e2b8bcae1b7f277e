"""The route table, on one screen: method, path, operation (the operationId in `openapi.yaml`), handler."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from starlette.routing import Route

from headrace_server.api import (
    batches,
    changes,
    clock,
    events,
    jobs,
    leases,
    limits,
    listing,
    metrics,
    operations,
    queues,
    schedules,
    server,
    waits,
    webhooks,
    workers,
)
from headrace_server.api.call import Call, Reply

Handler: TypeAlias = Callable[[Call], Awaitable[Reply]]


class Operation:
    """A handler in a Starlette route; the application calls it with a Call instead of a request."""

    def __init__(self, handler: Handler, *, negotiates: bool = False, quoted: bool = False) -> None:
        """Take the handler; `negotiates`: it looks at Accept itself, for it writes more than the two formats.

        `quoted`: its path is matched as it came, because a name in it may have a slash, which travels as %2F.
        """
        self.handler = handler
        self.negotiates = negotiates
        self.quoted = quoted

    def __call__(self) -> None:
        """Starlette wants a callable; only `Application` knows how to run this one."""
        raise TypeError("an operation is run by the application, not as an endpoint")


def _route(method: str, path: str, operation: str, handler: Handler, **how: bool) -> Route:
    return Route(path, Operation(handler, **how), methods=[method], name=operation)


ROUTES: Final = [
    _route("POST", "/v1/jobs", "enqueueJob", jobs.enqueue_job),
    _route("POST", "/v1/jobs/batch", "enqueueJobs", batches.enqueue_jobs),
    _route("POST", "/v1/jobs/wait", "waitForJobs", waits.wait_jobs),
    _route("GET", "/v1/jobs", "listJobs", listing.list_jobs),
    _route("GET", "/v1/jobs/{id}", "getJob", jobs.get_job),
    _route("PATCH", "/v1/jobs/{id}", "patchJob", changes.patch_job),
    _route("DELETE", "/v1/jobs/{id}", "deleteJob", changes.delete_job),
    _route("GET", "/v1/jobs/{id}/payload", "getPayload", jobs.get_payload, negotiates=True),
    _route("GET", "/v1/jobs/{id}/result", "getResult", jobs.get_result, negotiates=True),
    _route("GET", "/v1/jobs/{id}/attempts", "getAttempts", listing.get_attempts),
    _route("GET", "/v1/jobs/{id}/explain", "explainJob", listing.explain_job),
    _route("POST", "/v1/jobs/{id}/cancel", "cancelJob", changes.cancel_job),
    _route("POST", "/v1/jobs/{id}/retry", "retryJob", changes.retry_job),
    _route("POST", "/v1/leases", "leaseJobs", leases.lease_jobs),
    _route("POST", "/v1/jobs/{id}/ack", "ackJob", leases.ack_job),
    _route("POST", "/v1/jobs/{id}/nack", "nackJob", leases.nack_job),
    _route("POST", "/v1/jobs/{id}/release", "releaseJob", leases.release_job),
    _route("POST", "/v1/jobs/{id}/snooze", "snoozeJob", leases.snooze_job),
    _route("POST", "/v1/jobs/{id}/extend", "extendJob", leases.extend_job),
    _route("POST", "/v1/completions", "completeJobs", leases.complete_jobs),
    _route("POST", "/v1/workers/{id}/heartbeat", "heartbeat", workers.heartbeat),
    _route("GET", "/v1/workers", "listWorkers", workers.list_workers),
    _route("GET", "/v1/workers/{id}", "getWorker", workers.get_worker),
    _route("DELETE", "/v1/workers/{id}", "deleteWorker", workers.delete_worker),
    _route("POST", "/v1/workers/{id}/quiet", "quietWorker", workers.quiet_worker),
    _route("POST", "/v1/workers/{id}/stop", "stopWorker", workers.stop_worker),
    _route("POST", "/v1/workers/{id}/resume", "resumeWorker", workers.resume_worker),
    _route("GET", "/v1/queues", "listQueues", queues.list_queues),
    _route("GET", "/v1/queues/{queue}", "getQueue", queues.get_queue),
    _route("PUT", "/v1/queues/{queue}", "putQueue", queues.put_queue),
    _route("DELETE", "/v1/queues/{queue}", "deleteQueue", queues.delete_queue),
    _route("GET", "/v1/queues/{queue}/stats", "getQueueStats", queues.queue_stats),
    _route("POST", "/v1/queues/{queue}/pause", "pauseQueue", queues.pause_queue),
    _route("POST", "/v1/queues/{queue}/resume", "resumeQueue", queues.resume_queue),
    _route("POST", "/v1/queues/{queue}/drain", "drainQueue", queues.drain_queue),
    _route("POST", "/v1/queues/{queue}/purge", "purgeQueue", queues.purge_queue),
    _route("GET", "/v1/limits", "listLimits", limits.list_limits),
    _route("GET", "/v1/limits/{name}", "getLimit", limits.get_limit, quoted=True),
    _route("PUT", "/v1/limits/{name}", "putLimit", limits.put_limit, quoted=True),
    _route("DELETE", "/v1/limits/{name}", "deleteLimit", limits.delete_limit, quoted=True),
    _route("POST", "/v1/limits/{name}/backoff", "backOffLimit", limits.back_off_limit, quoted=True),
    _route("GET", "/v1/operations", "listOperations", operations.list_operations),
    _route("GET", "/v1/schedules", "listSchedules", schedules.list_schedules),
    _route("POST", "/v1/schedules/preview", "previewTiming", schedules.preview_timing),
    _route("GET", "/v1/schedules/{name}", "getSchedule", schedules.get_schedule),
    _route("PUT", "/v1/schedules/{name}", "putSchedule", schedules.put_schedule),
    _route("DELETE", "/v1/schedules/{name}", "deleteSchedule", schedules.delete_schedule),
    _route("POST", "/v1/schedules/{name}/pause", "pauseSchedule", schedules.pause_schedule),
    _route("POST", "/v1/schedules/{name}/resume", "resumeSchedule", schedules.resume_schedule),
    _route("POST", "/v1/schedules/{name}/trigger", "triggerSchedule", schedules.trigger_schedule),
    _route("GET", "/v1/schedules/{name}/preview", "previewSchedule", schedules.preview_schedule),
    _route("GET", "/v1/webhooks", "listWebhooks", webhooks.list_webhooks),
    _route("GET", "/v1/webhooks/{name}", "getWebhook", webhooks.get_webhook),
    _route("PUT", "/v1/webhooks/{name}", "putWebhook", webhooks.put_webhook),
    _route("DELETE", "/v1/webhooks/{name}", "deleteWebhook", webhooks.delete_webhook),
    _route("POST", "/v1/webhooks/{name}/pause", "pauseWebhook", webhooks.pause_webhook),
    _route("POST", "/v1/webhooks/{name}/resume", "resumeWebhook", webhooks.resume_webhook),
    _route("POST", "/v1/webhooks/{name}/rotate", "rotateWebhook", webhooks.rotate_webhook),
    _route("POST", "/v1/webhooks/{name}/test", "pingWebhook", webhooks.ping_webhook),
    _route("POST", "/v1/operations", "startOperation", operations.start_operation),
    _route("GET", "/v1/operations/{id}", "getOperation", operations.get_operation),
    _route("POST", "/v1/operations/{id}/cancel", "cancelOperation", operations.cancel_operation),
    _route("GET", "/v1/events", "readEvents", events.read_events, negotiates=True),
    _route("GET", "/v1/test/clock", "getClock", clock.get_clock),
    _route("POST", "/v1/test/clock", "advanceClock", clock.advance_clock),
    _route("GET", "/v1/server", "getServer", server.get_server),
    _route("GET", "/metrics", "getMetrics", metrics.get_metrics, negotiates=True),
    _route("GET", "/metrics/jobs", "getJobMetrics", metrics.get_job_metrics, negotiates=True),
    _route("GET", "/livez", "getLiveness", server.livez),
    _route("GET", "/readyz", "getReadiness", server.readyz),
]
