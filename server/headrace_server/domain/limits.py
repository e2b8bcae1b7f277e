"""Every bound of the product, by name and with its unit; it must not know where a bound is checked.

Values that an operator may change are settings (`config.py`) whose defaults stand here.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS

# What a request may hold.
MAX_PAYLOAD_BYTES: Final = 1 * MIB
MAX_BODY_BYTES: Final = 8 * MIB
MAX_HEADER_BYTES: Final = 64 * KIB
MAX_DEPTH: Final = 32  # nesting of JSON or msgpack; deeper recursion costs more than any job needs
MAX_INTEGER: Final = 2**53  # exclusive: Lua numbers and JavaScript numbers are exact below it
MAX_BATCH_ITEMS: Final = 1_000
MAX_FAULTS: Final = 100  # listed for one body or one item of a list: a body of 8 MiB has room for a million
MAX_ATOMIC_JOBS: Final = 100  # all or none is one script; one that must be found under other names counts two
MAX_LEASE_QUEUES: Final = 64
MAX_LEASE_JOBS: Final = 1_000
MAX_LEASE_REPLY_BYTES: Final = 4 * MIB
MAX_WAIT_JOBS: Final = 1_000
MAX_WAIT_REPLY_BYTES: Final = 4 * MIB  # of payloads, results and whatever else may be large
MAX_NAME_CHARS: Final = 128
MAX_KEY_CHARS: Final = 255  # Idempotency-Key
MAX_REASON_CHARS: Final = 200
MAX_META_BYTES: Final = 16 * KIB
MAX_TRACE_BYTES: Final = 8 * KIB  # `baggage` alone may be 8 KiB by its specification
MAX_ERROR_TYPE_CHARS: Final = 200
MAX_ERROR_MESSAGE_CHARS: Final = 4_000
MAX_ERROR_STACK_CHARS: Final = 32_000
MAX_WAIT_MS: Final = 30 * SECOND_MS
MAX_CHECKPOINT_BYTES: Final = 64 * KIB
MAX_PROGRESS_BYTES: Final = 4 * KIB  # comes with every heartbeat
MAX_TAGS: Final = 16
MAX_TAG_NAME_CHARS: Final = 64
MAX_TAG_VALUE_CHARS: Final = 128
MAX_LIMIT_KEYS: Final = 4  # of one job
MAX_KEY_DEPTH: Final = 8  # parts between `:` in the name of a limit: each one is looked up
MAX_NON_RETRYABLE: Final = 16
MAX_PATTERN_CHARS: Final = 200
MAX_MEDIA_TYPE_CHARS: Final = 100
MAX_PAGE_ITEMS: Final = 1_000
MAX_LISTED_JOBS: Final = 200  # of one page
MAX_SCANNED_JOBS: Final = 1_000  # looked at for one page
MAX_EVENTS_PAGE: Final = 1_000
MAX_WORKER_INFO_BYTES: Final = 16 * KIB  # as JSON
MAX_WORKER_NAMES: Final = 500  # queues or tasks that a worker says it serves
MAX_HOST_CHARS: Final = 255
MIN_NEXT_MS: Final = 1 * SECOND_MS  # between heartbeats
MAX_NEXT_MS: Final = 1 * HOUR_MS
MAX_LISTED_WORKERS: Final = 200  # of one page
MAX_SCHEDULES: Final = 10_000  # of one shard
MAX_CATCH_UP: Final = 1_000
MAX_JITTER_MS: Final = 1 * DAY_MS
MAX_LISTED_SCHEDULES: Final = 200  # of one page
MAX_PREVIEW: Final = 100  # slots
MAX_DESCRIPTION_CHARS: Final = 500
LANE_KEY_PATTERN: Final = r"[!-~]{1,128}"  # of limits, fairness and ordering: visible ASCII, without spaces
ID_PATTERN: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
NAME_PATTERN: Final = r"[A-Za-z0-9_.\-]{1,128}"

MAX_WEBHOOKS: Final = 50  # each is asked about each event; one lease request names all of their queues
MAX_WEBHOOK_NAME_CHARS: Final = 64  # the name of its queue is longer
MAX_URL_CHARS: Final = 2_000
MAX_WEBHOOK_FILTER: Final = 32  # names of queues, and of tasks
MIN_WEBHOOK_TIMEOUT_MS: Final = 100
MAX_WEBHOOK_TIMEOUT_MS: Final = 30 * SECOND_MS
MAX_WEBHOOK_CONCURRENCY: Final = 20  # attempts of one webhook at a time: a server may have those of all of them open
MAX_WEBHOOK_WAITING: Final = 1_000_000  # deliveries of one webhook

# What a job may ask for.
MAX_PRIORITY: Final = 255
MIN_LEASE_MS: Final = 1 * SECOND_MS
MAX_LEASE_MS: Final = 12 * HOUR_MS
MAX_DELAY_MS: Final = 10 * 365 * DAY_MS
MIN_RETENTION_MS: Final = 60 * SECOND_MS  # a client that waits for the end must still find it
MAX_RETENTION_MS: Final = 10 * 365 * DAY_MS
MAX_ATTEMPTS: Final = 1_000
MAX_CRASHES: Final = 1_000
MAX_RUNTIME_MS: Final = 30 * DAY_MS
MAX_WEIGHT: Final = 100
MAX_CLOCK_MOMENTS: Final = 10_000  # at which a test clock stops on its way, in one request
MAX_TTL_MS: Final = 10 * 365 * DAY_MS  # of unique keys and results

# What an operator may ask of queues and limits.
MAX_DEPTH_JOBS: Final = 1_000_000_000
MAX_QUEUE_BYTES: Final = 2**50
MAX_CONCURRENCY: Final = 1_000_000
MAX_RATE_COUNT: Final = 1_000_000  # within per_ms
MAX_RATE_PER_MS: Final = DAY_MS
MAX_RATE_PER_S: Final = 10_000  # of an operation
MAX_PAUSE_MS: Final = 365 * DAY_MS
MAX_BACKOFF_MS: Final = 1 * DAY_MS

# What one script may touch. A script stops the whole store while it runs.
SCRIPT_JOBS: Final = 100  # of 10,000 queues on a full store these take some 5 ms; an atomic batch may be twice as large
SCRIPT_BYTES: Final = 1 * MIB
TICK_STEPS: Final = 50  # agenda members a tick looks at
TICK_JOBS: Final = 100  # jobs one step of a tick moves
LANES_TOUCHED: Final = 64  # by one lease script, beside those it serves
LANES_OPENED: Final = 16  # by one step
EVENTS_KEPT_REVS: Final = 100_000  # state changes that the log of events reaches back
EVENTS_WRITTEN_MS: Final = 60 * SECOND_MS  # events go on being written after the last reader asked
CHECK_STEP: Final = 100  # keys or members that one script of a check looks at
OPERATION_STEP_JOBS: Final = 100
OPERATION_RETENTION_MS: Final = 1 * DAY_MS
OPERATION_SAMPLE: Final = 10  # ids that an operation shows
MAX_OPERATIONS: Final = 100  # in one list
METRICS_PAGE: Final = 100  # queues whose numbers one script reads
MAX_METRIC_QUEUES: Final = 10_000  # with series of their own: of more, the first by name
MAX_COUNTED_TASKS: Final = 500  # of one shard; what comes beyond is counted together
TASK_KEPT_MS: Final = 30 * DAY_MS  # unused, before the counters of a task make room for those of another one
POLL_SEEN_MS: Final = 10 * SECOND_MS  # how often it is noted that somebody asks for a queue's jobs
POLL_LOST_MS: Final = 3 * POLL_SEEN_MS  # after so long without a note nobody asks
MAX_WORKERS: Final = 10_000  # records; one more takes the place of the worker that was lost first
WORKER_KEPT_MS: Final = 1 * DAY_MS  # the record of a lost worker
WORKER_JOBS_KEPT: Final = 100  # ids of the jobs that a worker holds
WORKER_SPARE_MS: Final = 10 * SECOND_MS  # on top of two heartbeats that a worker misses, until it is lost
HELD_BACK_MS: Final = 1 * SECOND_MS  # how long a poll of a worker that is to take no jobs may be kept waiting
SCHEDULE_SCRIPT_SLOTS: Final = 50  # of one schedule that are fired in one script
SCHEDULE_LOOK_BACK: Final = 1_000  # slots that are counted one by one when many have passed
SCHEDULE_PAGE: Final = 50  # schedules that one script reads
SCHEDULE_RUNS_KEPT: Final = 20
RELAY_EVENTS: Final = 500  # of one shard that are looked at at a time
WEBHOOK_LOG_MS: Final = 1 * DAY_MS  # so long an outage of all servers loses no events, while there are webhooks
WEBHOOK_AGE_MS: Final = 3 * DAY_MS  # a delivery that did not succeed until then is given up
OLD_SECRET_MS: Final = 1 * DAY_MS  # after a rotation the secret before it signs, too
ATTEMPTS_KEPT: Final = 20
SHORT_ATTEMPT_BYTES: Final = 512  # of a first attempt that lies in its job's record; the record stays a dense block
SETTLED_TOKENS_KEPT: Final = 2

# What one server process holds.
SURGES_IN_FLIGHT: Final = 2  # to one shard: while the store has one, the next is made
SURGE_BATCHES: Final = 5  # of one verb in a surge: a request of 500 jobs goes at once, and holds up nothing for long
BATCH_QUEUE_ITEMS: Final = 10_000
QUEUED_MS: Final = 5 * SECOND_MS  # for its turn, a call that goes alone: with a store that hangs, each before it hangs
ECHO_MS: Final = 30 * SECOND_MS  # a call whose answer was lost is repeated at once, and known at least this long
IDEMPOTENCY_BUCKET_MS: Final = 6 * HOUR_MS
IDEMPOTENCY_TTL_MS: Final = 24 * HOUR_MS
MAX_SHARDS: Final = 4_096  # the 12 bits of an id that name the shard
