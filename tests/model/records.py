"""What the oracle remembers of a job: one record, and nothing that follows from others; it must not know any rule."""

from dataclasses import dataclass, field

from headrace_server.domain.finding import Attempt
from headrace_server.domain.jobs import Body, NewJob, OnDead
from headrace_server.domain.lifecycle import State


@dataclass
class Record:
    """One job. A field that is None has no meaning in the present state, or never had one."""

    new: NewJob  # as it was asked for, but for what a patch, a redrive or a replacement changed since
    state: State
    enqueued_at_ms: int
    expires_at_ms: int | None
    touched: int = 0  # grows with each change of any job
    place: tuple[int, int] = (0, 0)  # order among the ready jobs of the queue
    leased_place: tuple[int, int] = (0, 0)  # where it stood at its last lease: it comes back there
    due_ms: int | None = None
    wanted_ms: int | None = None  # when it was due last, after a wait
    attempt: int = 1
    delivery: int = 0
    crashes: int = 0
    run: int = 1
    run_opened_ms: int = 0
    token: bytes | None = None  # of the last lease, while nothing has ended it
    asked_again: bytes | None = None  # the token that a repeated lease request was answered with
    settled: list[tuple[bytes, str]] = field(default_factory=list)  # (token, verb), the newest last
    cancelled_under: bytes | None = None  # the token that was current when somebody else cancelled the job
    cancel_reason: str | None = None  # somebody asked for the end of the job while it was held
    lease_ms: int = 0  # the length the last lease was given at first
    run_until_ms: int | None = None  # when this delivery has used up its run time
    deadline_ms: int | None = None
    fence: int | None = None
    worker: str | None = None
    started_at_ms: int | None = None
    finished_at_ms: int | None = None
    prune_at_ms: int | None = None
    reason: str | None = None
    result: Body | None = None
    result_until_ms: int | None = None
    error: bytes | None = None
    error_type: str = ""
    progress: bytes | None = None
    checkpoint: bytes | None = None
    attempts: list[Attempt] = field(default_factory=list)  # that failed, the newest last
    counts_bytes: bool = False  # it was enqueued while its queue had a bound in bytes, and has not ended since
    was_held: bool = False  # somebody worked on it when it was cancelled

    @property
    def size(self) -> int:
        """Bytes of the payload."""
        return len(self.new.payload.data)

    @property
    def tenant(self) -> str:
        """Who shares the queue by turns; '' for all who did not say."""
        return self.new.fairness_key or ""

    @property
    def lane(self) -> tuple[str, str, str] | None:
        """Whose jobs go one at a time, in order."""
        if self.new.ordering_key is None:
            return None
        return (self.new.queue, self.tenant, self.new.ordering_key)

    @property
    def keeps_busy(self) -> bool:
        """Whether the job, once it was leased, keeps the next ones of its lane waiting."""
        is_held_dead = self.state is State.DEAD and self.new.on_dead is OnDead.HOLD
        return self.state in (State.LEASED, State.RETRYING) or is_held_dead

    @property
    def is_laned(self) -> bool:
        """Whether more than its place decides when the job goes."""
        return self.new.fairness_key is not None or self.new.ordering_key is not None or bool(self.new.limits)

    def is_live(self, token: bytes) -> bool:
        """Return whether `token` is a lease that the job is held by now."""
        return self.state is State.LEASED and self.token == token
