"""The words of the field: states, statuses, backoffs; open, because a newer server may know more of them."""

from enum import Enum, StrEnum
from typing import Final, Self


class Absent(Enum):
    """The type of ABSENT, which says "not given" where None is a value of its own."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent.ABSENT


class OpenEnum(StrEnum):
    """Words that the server may add to: `State("paused")` is a member too, equal to the string."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        member._name_ = value.upper()
        member._value_ = value
        return member


class State(OpenEnum):
    """Where a job is."""

    SCHEDULED = "scheduled"  # not before a chosen time
    READY = "ready"  # may be leased now
    LEASED = "leased"  # a worker holds it
    RETRYING = "retrying"  # failed, waiting out its backoff
    SUCCEEDED = "succeeded"  # final
    DEAD = "dead"  # final: out of attempts, or of crashes
    CANCELLED = "cancelled"  # final: by request, or expired
    GONE = "gone"  # it was there, and its record is pruned

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to the job any more."""
        return self in _FINAL


_FINAL: Final = frozenset({State.SUCCEEDED, State.DEAD, State.CANCELLED, State.GONE})


class Status(OpenEnum):
    """How one settle, extend or heartbeat item ended."""

    OK = "ok"
    LATE = "late"  # past the deadline, and nobody had the job since: it counts
    REPEATED = "repeated"  # this token settled the same way before; nothing changed
    LEASE_LOST = "lease_lost"  # the token is no proof any more; nothing changed
    JOB_CANCELLED = "job_cancelled"  # somebody ended the job while this token was its proof; nothing changed
    CANCEL_REQUESTED = "cancel_requested"  # heartbeats only: the lease lives on, and the job is to be ended
    NOT_FOUND = "not_found"
    INVALID = "invalid"  # `errors` says why
    NOT_DONE = "not_done"  # it never happened; send the item again
    UNKNOWN = "unknown"  # it may have happened; send the item again, the token makes that safe

    @property
    def counts(self) -> bool:
        """Whether the settle is in force: now, late, or since an earlier call."""
        return self in (Status.OK, Status.LATE, Status.REPEATED)


class Backoff(OpenEnum):
    """How the wait grows with the attempt."""

    EXPONENTIAL = "exponential"  # initial * factor ** (attempt - 1)
    LINEAR = "linear"  # initial * attempt
    CONSTANT = "constant"  # initial


class AttemptOutcome(OpenEnum):
    """How one attempt ended."""

    RUNNING = "running"  # it has not
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CRASHED = "crashed"  # its lease ran out
    TIMED_OUT = "timed_out"  # it ran for longer than max_runtime_ms
    CANCELLED = "cancelled"  # while it ran


class ReasonCode(OpenEnum):
    """Why a job is where it is."""

    ENDED = "ended"
    LEASED = "leased"
    NOT_DUE = "not_due"
    QUEUE_PAUSED = "queue_paused"
    QUEUE_CONCURRENCY = "queue_concurrency"
    QUEUE_RATE = "queue_rate"
    LIMIT_CONCURRENCY = "limit_concurrency"
    LIMIT_RATE = "limit_rate"
    LIMIT_HELD = "limit_held"
    ORDERING = "ordering"  # another job of its ordering key goes first
    BEHIND = "behind"  # others of its queue go first
    NO_POLLER = "no_poller"  # nobody asks for jobs of its queue
    NO_WORKER = "no_worker"  # of the workers that are known, none lives that takes jobs of its queue and knows its task
    NEXT = "next"  # nothing is in its way


class Directive(OpenEnum):
    """What a worker is told to do, and what it says that it does."""

    RUN = "run"
    QUIET = "quiet"  # takes no new jobs, finishes those it has
    STOP = "stop"  # finishes, says goodbye and ends


class WorkerState(OpenEnum):
    """Whether a worker is heard of."""

    UP = "up"
    LOST = "lost"  # silent for too long


class OperationState(OpenEnum):
    """Where a bulk operation is."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class ScheduleState(OpenEnum):
    """Whether a schedule fires."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"  # it has no slot any more


class RunOutcome(OpenEnum):
    """What became of a slot of a schedule."""

    ENQUEUED = "enqueued"  # its job has not ended
    SUCCEEDED = "succeeded"
    DEAD = "dead"
    CANCELLED = "cancelled"
    DELETED = "deleted"  # its job was, before it ended
    SKIPPED = "skipped"  # the job before had not ended
    DEDUPLICATED = "deduplicated"  # another job has the unique key
    REFUSED = "refused"  # the queue is full, or takes no jobs


class WebhookState(OpenEnum):
    """Whether a webhook is told anything."""

    ACTIVE = "active"
    PAUSED = "paused"


class WebhookPauseReason(OpenEnum):
    """Why a webhook is paused."""

    ASKED = "asked"  # somebody wanted it
    GONE = "gone"  # its receiver answered 410


class WebhookEvent(OpenEnum):
    """What a webhook may be told of: a job has come into this state, or its record was removed."""

    SCHEDULED = "job.scheduled"
    READY = "job.ready"
    LEASED = "job.leased"
    RETRYING = "job.retrying"
    SUCCEEDED = "job.succeeded"
    DEAD = "job.dead"
    CANCELLED = "job.cancelled"
    GONE = "job.gone"
