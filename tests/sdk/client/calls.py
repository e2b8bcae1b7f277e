"""One call of each verb with everything that it can be given, by the operation of the contract that it is."""

from datetime import UTC, datetime
from typing import Any

from headrace import (
    Directive,
    Held,
    JobError,
    NewJob,
    QueueSettings,
    Rate,
    Raw,
    RetryPolicy,
    Schedule,
    State,
    Unique,
    WorkerInfo,
)
from headrace.leases import Ack, Nack, Release, Snooze

from tests.sdk.client.drive import ID, TOKEN

ERROR = JobError(type="E", message="m", stack="s", details={"a": 1})
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
POLICY = RetryPolicy(
    max_attempts=2,
    backoff="linear",
    initial_ms=1,
    factor=1.5,
    max_ms=9,
    jitter=True,
    max_elapsed_ms=5,
    non_retryable=["ValueError", "Auth.*"],
    on_exhausted="discard",
)
SCHEDULE = Schedule(job=NewJob(task="a", payload=[1], queue="q"), every_ms=60_000, starts_at=NOON, overlap="skip")
RATE = Rate(count=5, per_ms=1000, burst=2)
OPTIONS: dict[str, Any] = {
    "queue": "q",
    "priority": 7,
    "delay_ms": 5,
    "expires_in_ms": 10,
    "lease_ms": 1000,
    "retention_ms": 60_000,
    "max_crashes": 2,
    "max_runtime_ms": 5000,
    "result_ttl_ms": 0,
    "retry": POLICY,
    "unique": Unique(by=["task", "payload"], until="ttl", ttl_ms=5, on_conflict="replace"),
    "tags": {"tenant": "seven"},
    "limits": ["stripe:tenant-7", "stripe"],
    "fairness_key": "tenant-7",
    "weight": 3,
    "ordering_key": "order-9",
    "on_dead": "hold",
    "meta": {"tenant": 1},
}
THREE = [ID, "01909c5e-6a53-7000-9b2d-4a1f0c3e5d6b", "01909c5e-6a54-7000-8c1e-2d3f4a5b6c7d"]  # as the contract shows
ITEMS = [
    Ack(job_id=ID, token=TOKEN, result=[1], result_ttl_ms=0),
    Ack(job_id=ID, token=TOKEN, result=Raw(b"\x89PNG", "image/png")),
    Nack(job_id=ID, token=TOKEN, error=ERROR, retryable=False, retry_in_ms=5, discard=True),
    Release(job_id=ID, token=TOKEN, reason="r"),
    Snooze(job_id=ID, token=TOKEN, delay_ms=5, reason="r", checkpoint={"row": 7}),
]
HELD = Held(job_id=ID, token=TOKEN, extend_ms=1000, progress=0.5, checkpoint=[1])
INFO = WorkerInfo(
    host="h",
    pid=17,
    state=Directive.QUIET,
    queues=["q"],
    slots=8,
    busy=3,
    processes=2,
    tasks=["t"],
    versions={"headrace": "0.1.0"},
    rss_bytes=1,
    started_at=NOON,
    counts={"succeeded": 5, "failed": 1, "retried": 2},
    labels={"zone": "a"},
)
FILTER: dict[str, Any] = {
    "queue": "q",
    "state": [State.DEAD, "ready"],
    "task": "t",
    "error_type": "E",
    "tag": ("tenant", "seven:eight"),
    "enqueued_after": NOON,
    "enqueued_before": NOON,
    "finished_after": NOON,
    "finished_before": NOON,
}
SETTINGS = QueueSettings(
    lease_ms=1000,
    max_runtime_ms=1000,
    priority=5,
    max_crashes=2,
    retry=POLICY,
    succeeded_retention_ms=60_000,
    dead_retention_ms=60_000,
    cancelled_retention_ms=60_000,
    result_ttl_ms=0,
    max_depth=5,
    max_bytes=5,
    concurrency=5,
    rate=RATE,
)

# operationId -> the verb that calls it, with everything that it can be given.
CALLS: dict[str, tuple[str, tuple[Any, ...], dict[str, Any]]] = {
    "enqueueJob": ("enqueue", ("t", [1]), {**OPTIONS, "trace": {"traceparent": "00-1"}, "wait_s": 5}),
    "enqueueJobs": ("enqueue_batch", ([NewJob(task="t", payload=1, **OPTIONS)],), {"atomic": False}),
    "getJob": ("get", (ID,), {"wait_s": 5}),
    "waitForJobs": ("wait_many", (THREE,), {"mode": "any", "timeout": 5, "summary": True}),
    "listJobs": ("list_jobs", (), {**FILTER, "limit": 5, "cursor": "c"}),
    "getResult": ("result", (ID,), {}),
    "getPayload": ("payload_bytes", (ID,), {}),
    "getAttempts": ("attempts", (ID,), {}),
    "explainJob": ("explain", (ID,), {}),
    "cancelJob": ("cancel", (ID,), {"reason": "r", "mode": "hard"}),
    "retryJob": ("retry", (ID,), {"queue": "q.other"}),
    "patchJob": ("patch", (ID,), {"priority": 5, "run_at": NOON, "queue": "q"}),
    "deleteJob": ("delete", (ID,), {}),
    "leaseJobs": (
        "lease",
        (["a", "b"],),
        {"max_jobs": 5, "max_bytes": 9, "wait_ms": 5, "lease_ms": 1000, "worker": "w", "complete": ITEMS},
    ),
    "completeJobs": ("complete", (ITEMS,), {}),
    "ackJob": ("ack", (ID, TOKEN), {"result": {"a": 1}, "result_ttl_ms": 5}),
    "nackJob": ("nack", (ID, TOKEN), {"error": ERROR, "retryable": False, "retry_in_ms": 1, "discard": True}),
    "releaseJob": ("release", (ID, TOKEN), {"reason": "r"}),
    "snoozeJob": ("snooze", (ID, TOKEN), {"delay_ms": 1, "reason": "r", "checkpoint": None}),
    "extendJob": ("extend", (ID, TOKEN), {"lease_ms": 1000, "progress": "half", "checkpoint": {"a": 1}}),
    "heartbeat": ("heartbeat", ("w", [HELD]), {"info": INFO, "next_ms": 15_000, "final": True}),
    "listWorkers": ("workers", (), {"state": "up", "queue": "q", "task": "t", "limit": 5, "cursor": "c"}),
    "getWorker": ("worker", ("w:1@host",), {}),
    "quietWorker": ("quiet_worker", ("w",), {}),
    "stopWorker": ("stop_worker", ("w",), {}),
    "resumeWorker": ("resume_worker", ("w",), {}),
    "deleteWorker": ("delete_worker", ("w",), {}),
    "listQueues": ("queues", (), {"after": "a", "limit": 5}),
    "getQueueStats": ("queue_stats", ("q",), {}),
    "getQueue": ("queue", ("q",), {}),
    "putQueue": ("configure_queue", ("q", SETTINGS), {}),
    "deleteQueue": ("delete_queue", ("q",), {}),
    "pauseQueue": ("pause_queue", ("q",), {"for_ms": 5}),
    "resumeQueue": ("resume_queue", ("q",), {}),
    "drainQueue": ("drain_queue", ("q",), {}),
    "purgeQueue": ("purge_queue", ("q",), {"states": [State.READY], "dry_run": True}),
    "listLimits": ("limits", (), {"after": "a", "limit": 5}),
    "getLimit": ("limit", ("stripe:tenant/7",), {}),
    "putLimit": ("set_limit", ("stripe",), {"concurrency": 5, "rate": RATE}),
    "deleteLimit": ("unset_limit", ("stripe",), {}),
    "backOffLimit": ("back_off", ("stripe",), {"for_ms": 0}),
    "listOperations": ("operations", (), {}),
    "startOperation": (
        "start_operation",
        ("retry",),
        {**FILTER, "dry_run": True, "rate_per_s": 5, "target_queue": "q.other"},
    ),
    "getOperation": ("operation", (ID,), {}),
    "cancelOperation": ("stop_operation", (ID,), {}),
    "readEvents": ("events", (), {"after": "c", "queue": "q", "limit": 5, "wait_s": 5}),
    "getClock": ("clock", (), {}),
    "advanceClock": ("advance_clock", (259_200_000,), {}),
    "listSchedules": ("schedules", (), {"after": "a", "owner": "me", "limit": 5}),
    "putSchedule": ("put_schedule", ("s", SCHEDULE), {}),
    "getSchedule": ("schedule", ("s",), {}),
    "deleteSchedule": ("delete_schedule", ("s",), {}),
    "pauseSchedule": ("pause_schedule", ("s",), {}),
    "resumeSchedule": ("resume_schedule", ("s",), {}),
    "triggerSchedule": ("trigger_schedule", ("s",), {}),
    "previewSchedule": ("preview_schedule", ("s",), {"n": 5}),
    "previewTiming": ("preview_timing", (), {"cron": "@daily", "timezone": "Asia/Tokyo", "n": 5}),
    "getServer": ("server_info", (), {}),
}
