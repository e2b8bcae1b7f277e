"""Workers as such: what they say of themselves, what they are told; it must not know jobs, nor who asks."""

from enum import StrEnum

import msgspec


class Directive(StrEnum):
    """What a worker is told to do."""

    RUN = "run"
    QUIET = "quiet"  # take no new jobs, finish those at hand
    STOP = "stop"  # finish and end


class WorkerState(StrEnum):
    """Whether a worker is heard of."""

    UP = "up"
    LOST = "lost"  # silent for too long


class WorkerInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says of itself."""

    facts: bytes  # JSON object: whatever only readers want
    queues: tuple[str, ...] | None = None  # that it serves; None: it does not say
    tasks: tuple[str, ...] | None = None  # the same
    takes_jobs: bool = True  # neither quiet nor about to end
    process: str = ""  # tells two processes of one id apart: a new one begins with the directive `run`


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """One heartbeat, but for the leases that it extends."""

    worker: str
    leases: list[bytes]  # ids of the jobs that it holds
    info: WorkerInfo | None = None  # None: what was said before stays
    next_ms: int | None = None  # when the next one comes; None: it does not say
    is_final: bool = False  # goodbye


class WorkerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A worker as it is known."""

    id: str
    state: WorkerState
    directive: Directive
    registered_at_ms: int  # the first heartbeat of this process
    last_seen_at_ms: int
    lost_at_ms: int  # until then it is up, unless it is heard of again
    leased: int  # leases at its last heartbeat
    job_ids: list[bytes]  # the first of them
    info: WorkerInfo | None  # None: it never said anything
    now_ms: int


class WorkerFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which workers are meant; what is None does not matter."""

    state: WorkerState | None = None
    queue: str | None = None  # that they say they serve
    task: str | None = None  # that they say they know
    # those that may take such jobs: also who leaves out what it serves, but not who is told or says that it takes none,
    # nor who never said anything
    takes_jobs: bool = False


class WorkerPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some workers, in the order of their ids."""

    workers: list[WorkerRecord]
    cursor: str | None  # None: the end
    scanned: int


class Dismissed(StrEnum):
    """What came of removing a worker's record."""

    DELETED = "deleted"
    UP = "up"  # it lives; nothing was done
    UNKNOWN = "unknown"
