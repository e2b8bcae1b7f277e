"""Every bound of the worker, by name and with its unit; it must not know where a bound is applied."""

from typing import Final

# Slots and processes.
DEFAULT_THREADS: Final = 8  # enough to hide waiting for a database or a web service, few enough for its connections
MAX_THREADS: Final = 1_000
DRAIN_S: Final = 25.0  # what running jobs get at a stop: with the last words it fits into the 30 s of Kubernetes

# Leasing. The window and its guards are the rule of docs/architecture.md, section 9.
POLL_WAIT_MS: Final = 20_000  # one parked poll; below the 30 s that the server allows and the 60 s that proxies allow
LEASE_JOBS: Final = 200  # per request: what two scripts of the server hand out
WINDOW_MS: Final = 50.0  # prefetch at most what the slots finish in this time
WINDOW_MEAN_MS: Final = 10.0  # slower tasks gain nothing from prefetching
WINDOW_JOBS: Final = 500  # whatever the mean says
MEAN_SAMPLES: Final = 5  # a mean of fewer runs is not known
MEAN_WEIGHT: Final = 0.1  # of the newest run in the running mean
RECENT_TASKS: Final = 64  # leases whose tasks say what the next ones will be
WAIT_TO_START_MS: Final = 250.0  # a prefetched job that has not started by then goes back
BLOCKED_SLOT_MS: Final = 100.0  # a slot that is busy for longer is not expected to become free
SWEEP_S: Final = 0.025  # how often prefetched jobs are looked at; 250 + 25 ms is below the promised 300

# Settling.
SETTLE_JOBS: Final = 500  # per request
SETTLE_BYTES: Final = 4 * 1024 * 1024  # of results per request; half of the body that a server takes
LINGER_S: Final = 0.04  # how long a completion waits for a lease request to carry it: half of the window, and some
UNSETTLED_JOBS: Final = 4_000  # with half of it waiting no more jobs are leased; what runs then fits into the rest
UNSETTLED_BYTES: Final = 128 * 1024 * 1024  # likewise; a result that does not fit is given up, and its job runs again

# Heartbeats.
HEARTBEAT_JOBS: Final = 1_000  # per request: the server's limit
HEARTBEAT_FEW: Final = 100  # so many go along when a task says something: the record then names all that is held
HEARTBEATS_PER_LEASE: Final = 3
HEARTBEAT_GAP_S: Final = (
    0.25  # between two requests, whatever the leases ask for; a third of the shortest lease is 0.33
)
HEARTBEAT_BYTES: Final = (
    4 * 1024 * 1024
)  # of progress and checkpoints per request; half of the body that a server takes
OVERDUE_S: Final = 1.0  # between two looks at a lease that cannot be extended any more: the server ends it within 1 s
PROGRESS_BYTES: Final = 4 * 1024  # as JSON: the server's limit
TELL_S: Final = 45.0  # an idle worker says that it lives; the server waits for 100 s, two of them and a bit
TELL_QUIET_S: Final = 10.0  # one that polls no more hears `run` by its heartbeats alone
TELL_GAP_S: Final = 5.0  # a busy one's heartbeats say what it does no more often than that
TOLD_TASKS: Final = 500  # names: the server's limit
TOLD_TASKS_CHARS: Final = 8_000  # of the 16 KiB that the server takes of all
HOST_CHARS: Final = 255
LABELS: Final = 16  # the server's limit
TALLIED_TASKS: Final = 500  # tasks with counters of their own
CHECKPOINT_BYTES: Final = 64 * 1024  # likewise
NEWS_DEPTH: Final = 32  # likewise

# Requests and outages.
REQUEST_S: Final = 10.0  # time for an answer, above what the server may park
RETRY_FIRST_S: Final = 0.1
RETRY_MAX_S: Final = 2.0  # with a request's own time this heals well within 5 s of the server's return (G25)
WATCHDOG_S: Final = 60.0  # without a successful poll for so long, connections are thrown away and made anew
SETTLE_FIRST_S: Final = 4.0  # after a failed request for jobs: time for the ends of those that are held
FLUSH_S: Final = 3.0  # after the drain, for the last settles
GOODBYE_S: Final = 1.0  # for the very last request, with which the worker's record goes

# Child processes.
MAX_PROCESSES: Final = 64  # each imports the app anew
DEFAULT_PROCESSES_MAX: Final = 4  # of the default, which is the number of usable cores
CHILD_START_S: Final = 60.0  # imports of user code included
CHILD_LAST_WORDS_S: Final = 0.5  # between the cancelling of what still runs and SIGKILL
CHILD_STOP_S: Final = 2.0  # for the hooks of a child that ends in peace
DOUBT_S: Final = 0.25  # a child that does not answer for so long is given no jobs until it does
STALL_S: Final = 0.25  # likewise for its event loop
LOOK_FOR_STARTS_S: Final = 0.1  # how late the start of a job with a hard limit may be seen
NEIGHBOUR_S: Final = 3.0  # a child that has to be killed leaves its other jobs so long to end; below the server's 5 s
STACK_S: Final = 1.0  # for a child to write where it is, before it is killed
STACK_BYTES: Final = 64 * 1024  # of that
MEMORY_LOOK_S: Final = 0.2  # between two looks at the memory of busy children that may take so much and no more
MEMORY_GLANCE_S: Final = 2.0  # likewise where it is unlimited: only to tell what a dead one last took
MEMORY_KILL_FACTOR: Final = 2  # times --max-memory-per-child: this child cannot wait until its jobs end
RELOAD_LOOK_S: Final = 0.5  # between two looks at the files of the app
RESTART_FIRST_S: Final = 0.5
RESTART_MAX_S: Final = 30.0
RESTART_CALM_S: Final = 60.0  # a crash this long ago is forgotten
LARGE_RESULT_BYTES: Final = 256 * 1024  # what is refused above this is refused for its size: a server takes 1 MiB
RESULT_BYTES: Final = 64 * 1024 * 1024  # more is refused before it crosses the pipe; servers refuse much less
FRAME_BYTES: Final = 256 * 1024 * 1024  # a longer frame on the pipe is a fault, not a message

# Probes.
PROBES: Final = 8  # at a time
PROBE_S: Final = 5.0  # for a client to send its request, and to take the answer
PULSE_S: Final = 2.0  # a supervisor whose event loop does not answer a probe for so long is stuck

# Check-ins of schedules (Sentry).
CHECK_INS: Final = 1_000  # that wait to be told; more are left out
MONITORS: Final = 10_000  # schedules that are remembered: the server has no more
MONITOR_S: Final = 300.0  # how late a schedule that was changed may be known
MONITOR_RETRY_S: Final = 10.0  # between two questions that the server could not answer

# A task that nobody here knows.
UNKNOWN_TASK_FIRST_MS: Final = 1_000
UNKNOWN_TASK_MAX_MS: Final = 60_000
UNKNOWN_TASK_JOBS: Final = 1_000  # remembered, the oldest is forgotten first

# What the server keeps of an error; longer texts are cut here, where the cut can be chosen.
ERROR_TYPE_CHARS: Final = 200
ERROR_MESSAGE_CHARS: Final = 4_000
ERROR_STACK_CHARS: Final = 32_000
REASON_CHARS: Final = 200  # the server's limit
DELAY_MS: Final = 10 * 365 * 24 * 3_600_000  # likewise, of a snooze or a retry
WORKER_ID_CHARS: Final = 128
LEASE_QUEUES: Final = 64  # per request: the server's limit
