"""State changes as a log; its order is promised for each shard. It must not know who reads."""

import msgspec

from headrace_server.domain.lifecycle import State


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One state change, or a gap: what was before it is not known any more."""

    cursor: str  # read on after it
    gap: bool = False  # all fields below are absent then
    rev: int = 0
    job_id: bytes = b""
    queue: str = ""
    task: str = ""
    was: State | None = None  # None: enqueued just now
    state: State | None = None  # None: the record is gone
    attempt: int = 1
    worker: str | None = None
    reason: str | None = None
    at_ms: int = 0


class EventPage(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Events in order; one page may be handed to many readers, so it is told apart by what it is, not what it holds."""

    events: list[Event]
    cursor: str  # ask again with after=this
    now_ms: int
