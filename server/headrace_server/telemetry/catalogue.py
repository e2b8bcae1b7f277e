"""Every metric, in one list: what it is called, what it says, by what it is told apart, and who serves it; pure.

The exposition, docs/operations/metrics.md, and the rules and dashboards under docker/ are made from this list, or
checked against it. Whatever is counted per job, queue or task lies in the store: it is the same from every server, and
no restart sets it back.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec


class Kind(StrEnum):
    """What a metric does over time."""

    COUNTER = "counter"  # only grows
    GAUGE = "gauge"
    HISTOGRAM = "histogram"  # `_bucket`, `_count` and `_sum`


class Endpoint(StrEnum):
    """Who tells it."""

    PROCESS = "/metrics"  # a server, of itself
    JOBS = "/metrics/jobs"  # any server, of the store: scraped once per cluster
    WORKER = "worker"  # a worker, of itself: /metrics on its --health address


class Metric(msgspec.Struct, frozen=True):
    """One metric, in the words of PromQL: a counter's name ends in `_total`, and a unit in the name is the unit."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...]
    endpoint: Endpoint
    source: str  # where the number comes from
    bounds: tuple[float, ...] = ()  # of a histogram: the upper ends of its buckets, without +Inf

    @property
    def series(self) -> tuple[str, ...]:
        """The names that a query may use."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(f"{self.name}_{part}" for part in ("bucket", "count", "sum"))
        return (self.name,)


# Upper bounds in seconds of what tasks take: from what only just repays a request to what should have a time limit.
TASK_SECONDS: Final = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0)
# The same of requests: a long poll may last half a minute.
HTTP_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0, 30.0)
STORE_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0)
BATCH_ITEMS: Final = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)

# What is counted for each queue, in the order in which the store keeps it: new ones come last.
QUEUE_COUNTERS: Final = {
    "enqueued": "Jobs that were taken in.",
    "leased": "Times a job was handed to a worker.",
    "succeeded": "Jobs that ended well.",
    "dead": "Jobs that were given up: dead letters, also those of which no record is kept.",
    "cancelled": "Jobs that were called off, by somebody or because they had expired.",
    "expired": "Jobs that were called off because nobody took them in time.",
    "failed": "Attempts that failed, also by running for too long.",
    "retried": "Failed attempts after which the job was put off to be tried again.",
    "lease_lost": "Leases that ran out: the worker neither settled nor extended them in time.",
    "late": "Settles and extends that came after the deadline, and were taken all the same.",
    "deduplicated": "Enqueues that made no job, because one with the same unique key was there.",
    "replaced": "Enqueues that took the place of a job with the same unique key.",
    "redriven": "Dead jobs that were opened again.",
    "removed": "Records of jobs that went: pruned, deleted or purged.",
}
# What becomes of jobs and attempts, for each task; the store keeps them in the order of TASK_COUNTERS, and then the
# histograms of wait, run and total.
TASK_OUTCOMES: Final = ("succeeded", "failed", "retried", "dead", "cancelled")
TASK_COUNTERS: Final = ("enqueued", "leased", *TASK_OUTCOMES)
OTHERS: Final = "_other"  # the task that stands for all beyond MAX_COUNTED_TASKS

_SCRIPTS: Final = "counted by the scripts that move the jobs"
_SCRAPE: Final = "read when it is asked for"
_PROCESS: Final = "counted by the server process, summed over those of one --processes"


def _jobs(name: str, kind: Kind, meaning: str, *labels: str, source: str = _SCRAPE) -> Metric:
    bounds = TASK_SECONDS if kind is Kind.HISTOGRAM else ()
    return Metric(name, kind, meaning, labels, Endpoint.JOBS, source, bounds)


def _process(name: str, kind: Kind, meaning: str, *labels: str, bounds: tuple[float, ...] = ()) -> Metric:
    return Metric(name, kind, meaning, labels, Endpoint.PROCESS, _PROCESS, bounds)


def _worker(name: str, kind: Kind, meaning: str, *labels: str) -> Metric:
    bounds = TASK_SECONDS if kind is Kind.HISTOGRAM else ()
    return Metric(f"headrace_worker_{name}", kind, meaning, labels, Endpoint.WORKER, "the worker's own", bounds)


_COUNTED: Final = (
    *(
        _jobs(f"headrace_jobs_{word}_total", Kind.COUNTER, meaning, "queue", source=_SCRIPTS)
        for word, meaning in QUEUE_COUNTERS.items()
    ),
    _jobs("headrace_task_enqueued_total", Kind.COUNTER, "Jobs that were taken in.", "task", source=_SCRIPTS),
    _jobs("headrace_task_leased_total", Kind.COUNTER, "Times a job was handed out.", "task", source=_SCRIPTS),
    _jobs(
        "headrace_task_outcomes_total",
        Kind.COUNTER,
        "Attempts that failed or were retried, and jobs that succeeded, died or were cancelled.",
        "task",
        "outcome",
        source=_SCRIPTS,
    ),
    _jobs(
        "headrace_task_wait_seconds",
        Kind.HISTOGRAM,
        "From the moment when a job was due (enqueued, its delay or back-off over) to its lease.",
        "task",
        source=_SCRIPTS,
    ),
    _jobs(
        "headrace_task_run_seconds",
        Kind.HISTOGRAM,
        "From a lease to the ack or nack that ended it, or to the end of its max_runtime_ms.",
        "task",
        source=_SCRIPTS,
    ),
    _jobs(
        "headrace_task_total_seconds",
        Kind.HISTOGRAM,
        "From the enqueue (or redrive) of a job to the moment when it had succeeded or was dead.",
        "task",
        source=_SCRIPTS,
    ),
)

_QUEUES: Final = (
    _jobs("headrace_queue_depth", Kind.GAUGE, "Jobs in each state, ended ones as long as kept.", "queue", "state"),
    _jobs("headrace_queue_oldest_ready_seconds", Kind.GAUGE, "Age of the oldest ready job; 0: there is none.", "queue"),
    _jobs("headrace_queue_backlog", Kind.GAUGE, "Jobs that want a slot now: ready and leased.", "queue"),
    _jobs("headrace_queue_paused", Kind.GAUGE, "1 while the queue is paused.", "queue"),
    _jobs("headrace_queue_draining", Kind.GAUGE, "1 while the queue takes no new jobs.", "queue"),
    _jobs("headrace_queue_workers", Kind.GAUGE, "Live workers that take jobs of the queue.", "queue"),
    _jobs("headrace_queue_polled", Kind.GAUGE, "1 if anybody asked for the queue's jobs within 30 s.", "queue"),
    _jobs("headrace_backlog", Kind.GAUGE, "The sum of headrace_queue_backlog."),
    _jobs("headrace_queues", Kind.GAUGE, "Queues that there are; the first 10,000 by name have series of their own."),
)

_WORKERS: Final = (
    _jobs("headrace_worker_up", Kind.GAUGE, "1 if the worker is heard of, 0 if it was lost.", "worker"),
    _jobs("headrace_worker_slots", Kind.GAUGE, "Jobs that the worker can run at a time, as it said.", "worker"),
    _jobs("headrace_worker_busy", Kind.GAUGE, "Jobs that it held at its last heartbeat.", "worker"),
    _jobs("headrace_worker_last_seen_timestamp_seconds", Kind.GAUGE, "When it was last heard of.", "worker"),
)

_SCHEDULES: Final = (
    _jobs("headrace_schedule_next_timestamp_seconds", Kind.GAUGE, "Its next slot, if it has one.", "schedule"),
    _jobs("headrace_schedule_last_timestamp_seconds", Kind.GAUGE, "Its newest slot that was fired.", "schedule"),
    _jobs("headrace_schedule_paused", Kind.GAUGE, "1 while it is paused.", "schedule"),
    _jobs("headrace_schedule_fired_total", Kind.COUNTER, "Jobs that it has made.", "schedule", source=_SCRIPTS),
    _jobs("headrace_schedule_missed_total", Kind.COUNTER, "Slots passed over as late.", "schedule", source=_SCRIPTS),
)

_WEBHOOKS: Final = (
    _jobs("headrace_webhook_paused", Kind.GAUGE, "1 while it is told nothing, also because of a 410.", "webhook"),
    _jobs("headrace_webhook_missed_events", Kind.GAUGE, "Events that it was not told of, nor that yet.", "webhook"),
)

_STORE: Final = (
    _jobs("headrace_store_up", Kind.GAUGE, "1 if the store answers; without it there are no other series here."),
    _jobs("headrace_store_info", Kind.GAUGE, "1 for this store.", "server", "version", "fsync"),
    _jobs("headrace_store_latency_seconds", Kind.GAUGE, "How long a PING took, there and back."),
    _jobs("headrace_store_memory_bytes", Kind.GAUGE, "Memory that the store uses."),
    _jobs("headrace_store_memory_max_bytes", Kind.GAUGE, "Memory that it may use; 0: as much as there is."),
    _jobs("headrace_store_persistence_ok", Kind.GAUGE, "1 if its last write to disk went well."),
    _jobs("headrace_store_clock_timestamp_seconds", Kind.GAUGE, "Its clock, which every time here is told by."),
    _jobs("headrace_scrape_seconds", Kind.GAUGE, "How long it took to gather all this."),
)

_SERVER: Final = (
    _process("headrace_build_info", Kind.GAUGE, "1 for this version.", "version", "python"),
    _process("headrace_processes", Kind.GAUGE, "Server processes that are summed up here."),
    _process("headrace_ready", Kind.GAUGE, "1 if /readyz is green, as far as this process knows."),
    _process("headrace_http_requests_total", Kind.COUNTER, "Requests answered.", "route", "method", "status"),
    _process(
        "headrace_http_request_seconds",
        Kind.HISTOGRAM,
        "How long requests took, waits included.",
        "route",
        "method",
        bounds=HTTP_SECONDS,
    ),
    _process("headrace_http_requests_open", Kind.GAUGE, "Requests that are being served, parked polls included."),
    _process("headrace_open_polls", Kind.GAUGE, "Requests for jobs that wait for some."),
    _process(
        "headrace_loop_lag_seconds",
        Kind.HISTOGRAM,
        "How late the event loop came to a timer, looked at once a second.",
        bounds=STORE_SECONDS,
    ),
    _process("headrace_store_call_seconds", Kind.HISTOGRAM, "Calls of scripts.", "verb", bounds=STORE_SECONDS),
    _process("headrace_store_call_errors_total", Kind.COUNTER, "Calls that failed.", "verb"),
    _process("headrace_batch_items", Kind.HISTOGRAM, "Items that shared one call.", bounds=BATCH_ITEMS),
    _process("headrace_loop_faults_total", Kind.COUNTER, "Steps of background duties that failed.", "loop"),
    _process(
        "headrace_webhook_attempts_total", Kind.COUNTER, "Attempts to tell webhooks, by what came of them.", "outcome"
    ),
    _process("process_cpu_seconds_total", Kind.COUNTER, "CPU time spent.", "process"),
    _process("process_resident_memory_bytes", Kind.GAUGE, "Resident memory.", "process"),
    _process("process_start_time_seconds", Kind.GAUGE, "When it was started, unix time.", "process"),
    _process("process_open_fds", Kind.GAUGE, "Open files and connections.", "process"),
)

_WORKER: Final = (
    _worker("info", Kind.GAUGE, "1 for this worker.", "id", "version"),
    _worker("state", Kind.GAUGE, "1 for what the worker does, else 0.", "state"),
    _worker("ready", Kind.GAUGE, "Whether /readyz is green."),
    _worker("usable_slots", Kind.GAUGE, "Jobs that can run at a time as things stand."),
    _worker("busy_slots", Kind.GAUGE, "Jobs that run."),
    _worker("leases", Kind.GAUGE, "Jobs held: running, waiting for a slot, or waiting to be settled."),
    _worker("unsettled", Kind.GAUGE, "Jobs that have ended and that the server does not know of."),
    _worker("unsettled_bytes", Kind.GAUGE, "The results and errors of these."),
    _worker("unsettled_limit_bytes", Kind.GAUGE, "With half of it the leasing stops."),
    _worker("children", Kind.GAUGE, "Processes that run tasks."),
    _worker("child_resident_bytes", Kind.GAUGE, "Memory of a child.", "pid"),
    _worker("jobs_total", Kind.COUNTER, "Deliveries that ended.", "task", "outcome"),
    _worker("run_seconds", Kind.HISTOGRAM, "How long runs took.", "task"),
    _worker("request_failures_total", Kind.COUNTER, "Requests that the server did not answer as hoped.", "request"),
)

ALL: Final = (*_COUNTED, *_QUEUES, *_WORKERS, *_SCHEDULES, *_WEBHOOKS, *_STORE, *_SERVER, *_WORKER)
BY_NAME: Final[Mapping[str, Metric]] = {metric.name: metric for metric in ALL}
