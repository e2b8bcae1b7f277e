"""Every verb of the Python client twice: with everything that it can say, and with nothing that it need not say."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from headrace import finding, fleet, leases, models, operating, schedules, webhooks, words
from headrace._verbs import Verbs

from tests.support.contract import document

SCHEMAS = document()["components"]["schemas"]
ID, TOKEN = SCHEMAS["JobId"]["examples"][0], SCHEMAS["LeaseToken"]["examples"][0]
NOW = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
RETRY = models.RetryPolicy(
    max_attempts=5,
    backoff="linear",
    initial_ms=10,
    factor=2.5,
    max_ms=100,
    jitter=False,
    max_elapsed_ms=1_000,
    non_retryable=("ValueError", "Auth*"),
    on_exhausted="discard",
)
UNIQUE = models.Unique(by=["task", "payload"], until="ttl", ttl_ms=1_000, on_conflict="replace")
ERROR = models.JobError(type="ValueError", message="no", stack="line 1", details={"user": 17})
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
TRACE = {"traceparent": PARENT, "tracestate": "a=b", "baggage": "c=d"}
JOB = models.NewJob(task="a.b", payload=[1], queue="q", delay_ms=5, expires_in_ms=9000, retry=RETRY, meta={"a": 1})
RAW = models.Raw(b"\x89PNG\xff", "image/png")
OPTIONS: dict[str, Any] = {
    "queue": "mail.high",
    "priority": 7,
    "run_at": NOW,
    "expires_at": NOW,
    "lease_ms": 60_000,
    "retention_ms": 60_000,
    "max_crashes": 2,
    "max_runtime_ms": 1_000,
    "result_ttl_ms": 0,
    "retry": RETRY,
    "unique": UNIQUE,
    "tags": {"tenant": "acme"},
    "limits": ["smtp:acme"],
    "fairness_key": "acme",
    "weight": 2,
    "ordering_key": "user-17",
    "on_dead": "hold",
    "meta": {"tenant": "acme"},
    "idempotency_key": "order-4711",
}
ASIDE: dict[str, Any] = {"trace": TRACE, "wait_s": 10}
NEW_JOB = models.NewJob(task="a", payload=RAW, **OPTIONS)
FILTER: finding.JobFilter = {
    "queue": "mail",
    "state": ["ready", "dead"],
    "task": "a.b",
    "error_type": "Time Out & more",
    "tag": ("tenant", "ä:b"),
    "enqueued_after": NOW,
    "enqueued_before": NOW,
    "finished_after": NOW,
    "finished_before": NOW,
}
SETTINGS = operating.QueueSettings(
    lease_ms=5_000,
    max_runtime_ms=1_000,
    priority=7,
    max_crashes=2,
    retry=RETRY,
    succeeded_retention_ms=60_000,
    dead_retention_ms=60_000,
    cancelled_retention_ms=60_000,
    result_ttl_ms=0,
    max_depth=9,
    max_bytes=9,
    concurrency=2,
    rate=operating.Rate(count=5, per_ms=1_000, burst=1),
)
SETTLES = [
    leases.Ack(job_id=ID, token=TOKEN, result={"n": 5}, result_ttl_ms=5),
    leases.Ack(job_id=ID, token=TOKEN, result=RAW),
    leases.Nack(job_id=ID, token=TOKEN, error=ERROR, retryable=False, retry_in_ms=5, discard=True),
    leases.Release(job_id=ID, token=TOKEN, reason="shutdown"),
    leases.Snooze(job_id=ID, token=TOKEN, delay_ms=5, reason="why", checkpoint=[7]),
]
HELD = leases.Held(job_id=ID, token=TOKEN, extend_ms=9000, progress={"done": 0.5}, checkpoint=None)
INFO = fleet.WorkerInfo(
    host="h",
    pid=17,
    state=words.Directive.RUN,
    queues=["mail"],
    slots=8,
    busy=3,
    processes=2,
    tasks=["a.b"],
    versions={"headrace": "0.1.0"},
    rss_bytes=9,
    started_at=NOW,
    counts={"succeeded": 5, "failed": 1, "retried": 2},
    labels={"zone": "ä b"},
)
SCHEDULE = schedules.Schedule(
    job=models.NewJob(
        task="a.b", payload=RAW, queue="q", expires_in_ms=9000, retry=RETRY, unique=UNIQUE, meta={"a": 1}
    ),
    cron="0 9 * * 1-5",
    timezone="Europe/Berlin",
    starts_at=NOW,
    ends_at=NOW,
    overlap="buffer_one",
    catch_up="all",
    max_catch_up=5,
    jitter_ms=9,
    paused=True,
    owner="me",
    description="why",
)
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
WEBHOOK = webhooks.Webhook(
    url="https://receiver.example/hook?a=b",
    events=[words.WebhookEvent.DEAD],
    queues=["q"],
    tasks=["a.b"],
    timeout_ms=5000,
    concurrency=2,
    max_waiting=9,
    retry=RETRY,
    description="why",
    paused=True,
    secret=SECRET,
)
LIMIT = "smtp/a?b#c%:acme"
Verb = Callable[[Verbs], Any]
# name -> verb with everything it can say, verb with nothing it need not say, operation
CALLS: dict[str, tuple[Verb, Verb, str]] = {
    "enqueue": (lambda v: v.enqueue("a", RAW, **OPTIONS, **ASIDE), lambda v: v.enqueue("a"), "enqueueJob"),
    "enqueue_job": (lambda v: v.enqueue_job(NEW_JOB), lambda v: v.enqueue_job(models.NewJob(task="a")), "enqueueJob"),
    "enqueue_batch": (
        lambda v: v.enqueue_batch([JOB, JOB], atomic=False, idempotency_key="k", trace=TRACE),
        lambda v: v.enqueue_batch([models.NewJob(task="a"), models.NewJob(task="b")]),
        "enqueueJobs",
    ),
    "enqueue_payloads": (
        lambda v: v.enqueue_payloads("a", [1, RAW], **OPTIONS, atomic=True, trace=TRACE),
        lambda v: v.enqueue_payloads("a", [1, 2]),
        "enqueueJobs",
    ),
    "get": (lambda v: v.get(ID, wait_s=3), lambda v: v.get(ID), "getJob"),
    "wait": (lambda v: v.wait(ID, timeout=3), lambda v: v.wait(ID), "getJob"),
    "wait_many": (
        lambda v: v.wait_many([ID], mode="any", timeout=3, summary=True),
        lambda v: v.wait_many([ID]),
        "waitForJobs",
    ),
    "clock": (lambda v: v.clock(), lambda v: v.clock(), "getClock"),
    "advance_clock": (lambda v: v.advance_clock("3d"), lambda v: v.advance_clock(0), "advanceClock"),
    "result": (lambda v: v.result(ID), lambda v: v.result(ID), "getResult"),
    "result_bytes": (lambda v: v.result_bytes(ID), lambda v: v.result_bytes(ID), "getResult"),
    "payload_bytes": (lambda v: v.payload_bytes(ID), lambda v: v.payload_bytes(ID), "getPayload"),
    "cancel": (lambda v: v.cancel(ID, reason="why", mode="hard"), lambda v: v.cancel(ID), "cancelJob"),
    "lease": (
        lambda v: v.lease(["a", "b"], max_jobs=9, max_bytes=9, wait_ms=9, lease_ms=9000, worker="w", complete=SETTLES),
        lambda v: v.lease("a"),
        "leaseJobs",
    ),
    "complete": (lambda v: v.complete(SETTLES), lambda v: v.complete(SETTLES[:1]), "completeJobs"),
    "ack": (lambda v: v.ack(ID, TOKEN, result=RAW, result_ttl_ms=5), lambda v: v.ack(ID, TOKEN), "ackJob"),
    "nack": (
        lambda v: v.nack(ID, TOKEN, error=ERROR, retryable=False, retry_in_ms=5, discard=True),
        lambda v: v.nack(ID, TOKEN, error=models.JobError(type="a", message="b")),
        "nackJob",
    ),
    "release": (lambda v: v.release(ID, TOKEN, reason="why"), lambda v: v.release(ID, TOKEN), "releaseJob"),
    "snooze": (
        lambda v: v.snooze(ID, TOKEN, delay_ms=5, reason="why", checkpoint=[7]),
        lambda v: v.snooze(ID, TOKEN, delay_ms=0),
        "snoozeJob",
    ),
    "extend": (
        lambda v: v.extend(ID, TOKEN, lease_ms=9000, progress=0.5, checkpoint=[7]),
        lambda v: v.extend(ID, TOKEN),
        "extendJob",
    ),
    "heartbeat": (
        lambda v: v.heartbeat("w:1@host", [HELD], info=INFO, next_ms=15_000, final=True),
        lambda v: v.heartbeat("w"),
        "heartbeat",
    ),
    "workers": (
        lambda v: v.workers(state="up", queue="mail", task="a.b", limit=9, cursor="c"),
        lambda v: v.workers(),
        "listWorkers",
    ),
    "iter_workers": (
        lambda v: v.iter_workers(state="lost", queue="mail", task="a.b", limit=9),
        lambda v: v.iter_workers(),
        "listWorkers",
    ),
    "worker": (lambda v: v.worker("w:1@host"), lambda v: v.worker("w"), "getWorker"),
    "quiet_worker": (lambda v: v.quiet_worker("w:1@host"), lambda v: v.quiet_worker("w"), "quietWorker"),
    "stop_worker": (lambda v: v.stop_worker("w:1@host"), lambda v: v.stop_worker("w"), "stopWorker"),
    "resume_worker": (lambda v: v.resume_worker("w:1@host"), lambda v: v.resume_worker("w"), "resumeWorker"),
    "delete_worker": (lambda v: v.delete_worker("w:1@host"), lambda v: v.delete_worker("w"), "deleteWorker"),
    "list_jobs": (lambda v: v.list_jobs(limit=9, cursor="c", **FILTER), lambda v: v.list_jobs(), "listJobs"),
    "iter_jobs": (lambda v: v.iter_jobs(limit=9, **FILTER), lambda v: v.iter_jobs(), "listJobs"),
    "attempts": (lambda v: v.attempts(ID), lambda v: v.attempts(ID), "getAttempts"),
    "explain": (lambda v: v.explain(ID), lambda v: v.explain(ID), "explainJob"),
    "events": (lambda v: v.events(after="c", queue="q", limit=9, wait_s=3), lambda v: v.events(), "readEvents"),
    "follow_events": (lambda v: v.follow_events(after="c", queue="q"), lambda v: v.follow_events(), "readEvents"),
    "retry": (lambda v: v.retry(ID, queue="mail.low"), lambda v: v.retry(ID), "retryJob"),
    "patch": (
        lambda v: v.patch(ID, priority=7, run_at=NOW, queue="mail.low"),
        lambda v: v.patch(ID, delay_ms=0),
        "patchJob",
    ),
    "delete": (lambda v: v.delete(ID), lambda v: v.delete(ID), "deleteJob"),
    "start_operation": (
        lambda v: v.start_operation("retry", dry_run=True, rate_per_s=5, target_queue="mail.low", **FILTER),
        lambda v: v.start_operation("cancel", queue="mail"),
        "startOperation",
    ),
    "operation": (lambda v: v.operation(ID), lambda v: v.operation(ID), "getOperation"),
    "operations": (lambda v: v.operations(), lambda v: v.operations(), "listOperations"),
    "wait_operation": (
        lambda v: v.wait_operation(ID, timeout=3),
        lambda v: v.wait_operation(ID),
        "getOperation",
    ),
    "stop_operation": (lambda v: v.stop_operation(ID), lambda v: v.stop_operation(ID), "cancelOperation"),
    "queues": (lambda v: v.queues(after="a", limit=9), lambda v: v.queues(), "listQueues"),
    "queue_stats": (lambda v: v.queue_stats("mail"), lambda v: v.queue_stats("mail"), "getQueueStats"),
    "queue": (lambda v: v.queue("mail"), lambda v: v.queue("mail"), "getQueue"),
    "configure_queue": (
        lambda v: v.configure_queue("mail", SETTINGS),
        lambda v: v.configure_queue("mail", operating.QueueSettings()),
        "putQueue",
    ),
    "delete_queue": (lambda v: v.delete_queue("mail"), lambda v: v.delete_queue("mail"), "deleteQueue"),
    "pause_queue": (lambda v: v.pause_queue("mail", for_ms=5), lambda v: v.pause_queue("mail"), "pauseQueue"),
    "resume_queue": (lambda v: v.resume_queue("mail"), lambda v: v.resume_queue("mail"), "resumeQueue"),
    "drain_queue": (lambda v: v.drain_queue("mail"), lambda v: v.drain_queue("mail"), "drainQueue"),
    "purge_queue": (
        lambda v: v.purge_queue("mail", states=["ready"], dry_run=True),
        lambda v: v.purge_queue("mail"),
        "purgeQueue",
    ),
    "limits": (lambda v: v.limits(after="a", limit=9), lambda v: v.limits(), "listLimits"),
    "limit": (lambda v: v.limit(LIMIT), lambda v: v.limit("smtp"), "getLimit"),
    "set_limit": (
        lambda v: v.set_limit(LIMIT, concurrency=2, rate=SETTINGS.rate),
        lambda v: v.set_limit("smtp", concurrency=2),
        "putLimit",
    ),
    "unset_limit": (lambda v: v.unset_limit(LIMIT), lambda v: v.unset_limit("smtp"), "deleteLimit"),
    "back_off": (lambda v: v.back_off(LIMIT, for_ms=5), lambda v: v.back_off("smtp", for_ms=0), "backOffLimit"),
    "put_schedule": (
        lambda v: v.put_schedule("s", SCHEDULE),
        lambda v: v.put_schedule("s", schedules.Schedule(job=models.NewJob(task="a"), every_ms=1_000)),
        "putSchedule",
    ),
    "schedule": (lambda v: v.schedule("s"), lambda v: v.schedule("s"), "getSchedule"),
    "schedules": (lambda v: v.schedules(after="a", owner="me", limit=9), lambda v: v.schedules(), "listSchedules"),
    "iter_schedules": (lambda v: v.iter_schedules(owner="me"), lambda v: v.iter_schedules(), "listSchedules"),
    "delete_schedule": (lambda v: v.delete_schedule("s"), lambda v: v.delete_schedule("s"), "deleteSchedule"),
    "pause_schedule": (lambda v: v.pause_schedule("s"), lambda v: v.pause_schedule("s"), "pauseSchedule"),
    "resume_schedule": (lambda v: v.resume_schedule("s"), lambda v: v.resume_schedule("s"), "resumeSchedule"),
    "trigger_schedule": (lambda v: v.trigger_schedule("s"), lambda v: v.trigger_schedule("s"), "triggerSchedule"),
    "preview_schedule": (lambda v: v.preview_schedule("s", n=3), lambda v: v.preview_schedule("s"), "previewSchedule"),
    "preview_timing": (
        lambda v: v.preview_timing(cron="@daily", timezone="Asia/Tokyo", starts_at=NOW, ends_at=NOW, n=3),
        lambda v: v.preview_timing(at=NOW),
        "previewTiming",
    ),
    "apply_schedules": (
        lambda v: v.apply_schedules({}, owner="me"),
        lambda v: v.apply_schedules({}, owner="me"),
        "listSchedules",
    ),
    "put_webhook": (
        lambda v: v.put_webhook("w", WEBHOOK),
        lambda v: v.put_webhook("w", webhooks.Webhook(url="https://receiver.example")),
        "putWebhook",
    ),
    "webhook": (lambda v: v.webhook("w"), lambda v: v.webhook("w"), "getWebhook"),
    "webhooks": (lambda v: v.webhooks(after="a", limit=9), lambda v: v.webhooks(), "listWebhooks"),
    "iter_webhooks": (lambda v: v.iter_webhooks(), lambda v: v.iter_webhooks(), "listWebhooks"),
    "delete_webhook": (lambda v: v.delete_webhook("w"), lambda v: v.delete_webhook("w"), "deleteWebhook"),
    "pause_webhook": (lambda v: v.pause_webhook("w"), lambda v: v.pause_webhook("w"), "pauseWebhook"),
    "resume_webhook": (lambda v: v.resume_webhook("w"), lambda v: v.resume_webhook("w"), "resumeWebhook"),
    "rotate_webhook": (
        lambda v: v.rotate_webhook("w", secret=SECRET),
        lambda v: v.rotate_webhook("w"),
        "rotateWebhook",
    ),
    "ping_webhook": (lambda v: v.ping_webhook("w"), lambda v: v.ping_webhook("w"), "pingWebhook"),
    "server_info": (lambda v: v.server_info(), lambda v: v.server_info(), "getServer"),
}
