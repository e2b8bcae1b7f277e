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
