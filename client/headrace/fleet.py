"""The nouns of a fleet: what workers say of themselves, and what the server keeps of them; it must not know HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from headrace.leases import Settled
from headrace.words import Directive, WorkerState


@dataclass(frozen=True, kw_only=True)
class WorkerInfo:
    """What a worker says of itself; None: it does not say. At most 16 KiB as JSON.

    Where it is asked whether any worker would take a job, one that names no queues or no tasks counts for all of them.
    """

    host: str | None = None
    pid: int | None = None
    state: Directive | None = None  # what it does: run, quiet (takes no new jobs) or stop (it is about to end)
    queues: Sequence[str] | None = None  # that it asks for jobs of, at most 500
    slots: int | None = None  # jobs it can run at once
    busy: int | None = None  # of these slots
    processes: int | None = None
    tasks: Sequence[str] | None = None  # that it knows, at most 500
    versions: Mapping[str, str] | None = None  # of what it is made of: {"headrace": "0.1.0", "python": "3.11.4"}
    rss_bytes: int | None = None  # memory of all its processes
    started_at: datetime | None = None  # another one than before: a new process under the same id
    counts: Mapping[str, int] | None = None  # jobs since its start: succeeded, failed, retried
    labels: Mapping[str, str] | None = None  # whatever its operator tells it by, at most 16


@dataclass(frozen=True, kw_only=True)
class WorkerRecord:
    """A worker as the server knows it."""

    id: str
    state: WorkerState  # up: seen in time; lost: silent for too long
    directive: Directive  # what it is told to do
    registered_at: datetime  # its first heartbeat (of this process, where it says when it started)
    last_seen_at: datetime
    lost_at: datetime  # when it counts as lost unless it is heard of before; of a lost one: since when
    leased: int = 0  # leases that it kept with its last heartbeat
    job_ids: tuple[str, ...] = ()  # of the first 100 of them
    info: WorkerInfo = field(default_factory=WorkerInfo)
    server_time: datetime | None = None  # None: in a list, which carries it once


@dataclass(frozen=True, kw_only=True)
class WorkerPage:
    """Some workers, by id; a page may be empty and yet have a cursor."""

    workers: tuple[WorkerRecord, ...] = ()
    cursor: str | None = None  # ask again with it; None: the end
    scanned: int = 0  # workers looked at
    server_time: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """The answer to a heartbeat: one item for each lease, in their order, and what the worker is told to do."""

    leases: tuple[Settled, ...]
    server_time: datetime
    directive: Directive | None = None  # None: not known at the moment, so go on as before
