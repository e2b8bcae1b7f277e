"""One call of each verb with everything that it can be given, by the operation of the contract that it is."""

from typing import Any

from headrace import Ack, Held, JobError, Nack, NewJob, Release, RetryPolicy, Snooze

from tests.sdk.client.drive import ID, TOKEN

ERROR = JobError(type="E", message="m", stack="s", details={"a": 1})
POLICY = RetryPolicy(max_attempts=2, backoff="linear", initial_ms=1, factor=1.5, max_ms=9, jitter=True)
OPTIONS: dict[str, Any] = {
    "queue": "q",
    "priority": 7,
    "delay_ms": 5,
    "expires_in_ms": 10,
    "lease_ms": 1000,
    "retention_ms": 60_000,
    "max_crashes": 2,
    "retry": POLICY,
    "meta": {"tenant": 1},
}
ITEMS = [
    Ack(job_id=ID, token=TOKEN, result=[1]),
    Nack(job_id=ID, token=TOKEN, error=ERROR, retryable=False, retry_in_ms=5),
    Release(job_id=ID, token=TOKEN, reason="r"),
    Snooze(job_id=ID, token=TOKEN, delay_ms=5),
]

# operationId -> the verb that calls it, with everything that it can be given.
CALLS: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "enqueueJob": ("enqueue", ("t", [1]), {**OPTIONS, "trace": {"traceparent": "00-1"}, "wait_s": 5}),
    "enqueueJobs": ("enqueue_batch", ([NewJob(task="t", payload=1, **OPTIONS)],), {"atomic": False}),
    "getJob": ("get", (ID,), {"wait_s": 5}),
    "getResult": ("result", (ID,), {}),
    "cancelJob": ("cancel", (ID,), {"reason": "r"}),
    "leaseJobs": (
        "lease",
        (["a", "b"],),
        {"max_jobs": 5, "max_bytes": 9, "wait_ms": 5, "lease_ms": 1000, "worker": "w", "complete": ITEMS},
    ),
    "completeJobs": ("complete", (ITEMS,), {}),
    "ackJob": ("ack", (ID, TOKEN), {"result": {"a": 1}}),
    "nackJob": ("nack", (ID, TOKEN), {"error": ERROR, "retryable": False, "retry_in_ms": 1}),
    "releaseJob": ("release", (ID, TOKEN), {"reason": "r"}),
    "snoozeJob": ("snooze", (ID, TOKEN), {"delay_ms": 1}),
    "extendJob": ("extend", (ID, TOKEN), {"lease_ms": 1000}),
    "heartbeat": ("heartbeat", ("w", [Held(job_id=ID, token=TOKEN, extend_ms=1000)]), {}),
    "listQueues": ("queues", (), {"after": "a", "limit": 5}),
    "getQueueStats": ("queue_stats", ("q",), {}),
    "getServer": ("server_info", (), {}),
}
