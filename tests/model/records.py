"""What the oracle remembers: one record per job, and how a record looks from outside; it must not know any rule."""

from dataclasses import dataclass, field

from headrace_server.domain.defaults import Defaults
from headrace_server.domain.jobs import Body, Job, Leased, NewJob
from headrace_server.domain.lifecycle import FINAL, State
from headrace_server.domain.retry import RetryPolicy

NO_REV = 0  # the oracle keeps no revs: the tests compare everything else, and judge the engine's revs by their order


@dataclass
class Record:
    """One job. A field that is None has no meaning in the present state, or never had one."""

    new: NewJob
    state: State
    enqueued_at_ms: int
    expires_at_ms: int | None
    place: tuple[int, int] = (0, 0)  # order among the ready jobs of the queue; kept while leased
    due_ms: int | None = None
    attempt: int = 1
    delivery: int = 0
    crashes: int = 0
    token: bytes | None = None  # of the last lease, while nothing has ended it
    asked_again: bytes | None = None  # the token that a repeated lease request was answered with
    settled: list[tuple[bytes, str]] = field(default_factory=list)  # (token, verb), the newest last
    lease_ms: int = 0  # the length the last lease was given at first
    deadline_ms: int | None = None
    fence: int | None = None
    worker: str | None = None
    started_at_ms: int | None = None
    finished_at_ms: int | None = None
    prune_at_ms: int | None = None
    reason: str | None = None
    result: Body | None = None
    error: bytes | None = None

    def priority(self, defaults: Defaults) -> int:
        """Return the priority in force."""
        return defaults.priority if self.new.priority is None else self.new.priority

    def policy(self, defaults: Defaults) -> RetryPolicy:
        """Return the retry policy in force: the job's wishes over the defaults, field by field."""
        wishes = self.new.retry or RetryPolicy()
        merged = {}
        for name in RetryPolicy.__struct_fields__:
            wish = getattr(wishes, name)
            merged[name] = getattr(defaults, name) if wish is None else wish
        return RetryPolicy(**merged)

    def is_live(self, token: bytes) -> bool:
        """Return whether `token` is a lease that the job is held by now."""
        return self.state is State.LEASED and self.token == token

    def retention_ms(self, defaults: Defaults) -> int:
        """Return how long the record outlives the final state it is in."""
        if self.new.retention_ms is not None:
            return self.new.retention_ms
        return {
            State.SUCCEEDED: defaults.succeeded_retention_ms,
            State.DEAD: defaults.dead_retention_ms,
            State.CANCELLED: defaults.cancelled_retention_ms,
        }[self.state]

    def as_job(self, defaults: Defaults) -> Job:
        """Return the job as `get` shows it."""
        waiting = self.state in (State.SCHEDULED, State.RETRYING)
        max_attempts = self.policy(defaults).max_attempts
        assert max_attempts is not None
        return Job(
            id=self.new.id,
            task=self.new.task,
            queue=self.new.queue,
            state=self.state,
            rev=NO_REV,
            payload=self.new.payload,
            priority=self.priority(defaults),
            attempt=self.attempt,
            max_attempts=max_attempts,
            delivery=self.delivery,
            crashes=self.crashes,
            enqueued_at_ms=self.enqueued_at_ms,
            run_at_ms=self.due_ms if waiting else None,
            expires_at_ms=self.expires_at_ms,
            deadline_ms=self.deadline_ms if self.state is State.LEASED else None,
            worker=self.worker,
            fence=self.fence,
            started_at_ms=self.started_at_ms,
            finished_at_ms=self.finished_at_ms if self.state in FINAL else None,
            reason=self.reason,
            meta=self.new.meta,
            trace=self.new.trace,
            result=self.result if self.state is State.SUCCEEDED else None,
            error=self.error,
        )

    def as_leased(self, defaults: Defaults) -> Leased:
        """Return the job as the worker that holds it gets it."""
        job = self.as_job(defaults)
        assert self.token is not None
        assert job.fence is not None
        assert job.deadline_ms is not None
        return Leased(
            id=job.id,
            task=job.task,
            queue=job.queue,
            payload=job.payload,
            priority=job.priority,
            attempt=job.attempt,
            delivery=job.delivery,
            max_attempts=job.max_attempts,
            enqueued_at_ms=job.enqueued_at_ms,
            fence=job.fence,
            token=self.token,
            deadline_ms=job.deadline_ms,
            rev=NO_REV,
            meta=job.meta,
            trace=job.trace,
        )
