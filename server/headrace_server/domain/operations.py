"""Bulk operations: one action for all jobs of a filter, worked off in bounded steps; it must not know who steps."""

from enum import StrEnum

import msgspec

from headrace_server.domain.finding import JobFilter
from headrace_server.domain.lifecycle import FINAL, HELD_BY_NOBODY, State


class Action(StrEnum):
    """What is done to each job."""

    RETRY = "retry"  # redrive
    CANCEL = "cancel"  # soft, where somebody holds it
    DELETE = "delete"  # the record of an ended job
    MOVE = "move"  # to another queue of the same group
    PURGE = "purge"  # remove waiting jobs without a trace


ACTS_ON: dict[Action, frozenset[State]] = {
    Action.RETRY: frozenset({State.DEAD}),
    Action.CANCEL: HELD_BY_NOBODY | {State.LEASED},
    Action.DELETE: FINAL,
    Action.MOVE: HELD_BY_NOBODY,
    Action.PURGE: HELD_BY_NOBODY,
}


class OperationAsk(msgspec.Struct, frozen=True, kw_only=True):
    """A bulk operation to be done; it means the jobs that are there when it is asked for."""

    action: Action
    filter: JobFilter  # states: within ACTS_ON; empty: all of those
    dry_run: bool = False  # only count
    rate_per_s: int | None = None
    target_queue: str | None = None  # move: needed; retry: optional


class OperationState(StrEnum):
    """Where an operation is."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


class OperationView(msgspec.Struct, frozen=True, kw_only=True):
    """A bulk operation as it is now; over several shards, the sum."""

    id: bytes  # 16 bytes
    ask: OperationAsk
    state: OperationState
    scanned: int  # jobs looked at
    matched: int
    done: int  # changed; 0 in a dry run
    skipped: int  # matched, but refused: a unique key is taken, another group, ...
    sample: list[bytes]  # ids of the first that matched
    created_at_ms: int
    finished_at_ms: int | None
    now_ms: int
