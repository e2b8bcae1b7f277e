"""Outcomes of jobs whose process did not live to tell; pure: statuses, sizes and limits are arguments.

All of them are nacks, not leases that are left to run out: they are told at once and with their cause, they count an
attempt, and the backoff keeps a job that ends its process from ending the next one right away (ADR 0016). Only a job
that had to go along with another one counts none.
"""

import signal
from dataclasses import dataclass, field
from typing import Final

from headrace_worker import bounds
from headrace_worker.outcome import Kind, Outcome

ALONG: Final = Outcome(Kind.CANCELLED, message="process_ended")  # nothing of its own doing


@dataclass(frozen=True)
class Sentence:
    """Why a child has to be killed, and what that means for its jobs."""

    culprits: dict[int, Outcome] = field(default_factory=dict)  # key -> how it ends
    for_all: Outcome | None = None  # nobody knows which job it was, so it counts for all of them

    def of(self, key: int) -> Outcome:
        """Return what becomes of a job that is killed with the child."""
        return self.for_all or self.culprits.get(key, ALONG)

    @property
    def word(self) -> str:
        """The cause, for the log."""
        outcome = self.for_all or next(iter(self.culprits.values()), ALONG)
        return outcome.error_type

    def is_culprit(self, key: int) -> bool:
        """Whether a job is what the child is killed for."""
        return self.for_all is not None or key in self.culprits


def died(status: int, rss_bytes: int = 0, *, for_memory: bool = False) -> Outcome:
    """Return the outcome of the runs that a child took with it; `status` as subprocess has it: -9 is SIGKILL.

    `rss_bytes`: what it took when it was seen last, 0 for unknown; `for_memory`: the kernel killed it for that.
    """
    how = f"ended with {describe_status(status)}"
    if for_memory:
        how = f"was killed by the system for lack of memory ({describe_status(status)})"
    took = f"; it took {mebibytes(rss_bytes)} of memory" if rss_bytes else ""
    name = "OutOfMemory" if for_memory else "WorkerProcessDied"
    return _fate(name, f"the process that ran this job {how}{took}")


def overtime(limit_s: float) -> Outcome:
    """Return the outcome of a run that its hard limit ended."""
    return _fate("TimeLimitExceeded", f"the task ran for more than its time_limit of {limit_s:g} s and was killed")


def oversize(rss_bytes: int, limit_bytes: int) -> Outcome:
    """Return the outcome of the runs of a child that had to be killed for its size."""
    return _fate(
        "MemoryLimitExceeded",
        f"the process that ran this job was killed: it took {mebibytes(rss_bytes)} of memory, "
        f"and --max-memory-per-child is {mebibytes(limit_bytes)}",
    )


def with_stack(outcome: Outcome, stack: str | None) -> Outcome:
    """Return the outcome with where its process was."""
    if outcome.kind is not Kind.FAILED or stack is None:
        return outcome
    return outcome._replace(stack=stack[: bounds.ERROR_STACK_CHARS])


def describe_status(status: int) -> str:
    """Return an exit status in words."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"signal {-status} ({signal.Signals(-status).name})"
    except ValueError:
        return f"signal {-status}"


def mebibytes(size: int) -> str:
    """Return a size in words."""
    return f"{size / 2**20:.0f} MiB"


def _fate(error_type: str, message: str) -> Outcome:
    return Outcome(Kind.FAILED, error_type=error_type, message=message)
