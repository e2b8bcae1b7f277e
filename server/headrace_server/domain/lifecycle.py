"""The life of a job as data: its states and every move between them.

It must not know who makes a move happen. The Lua headers, `openapi.yaml` and `docs/architecture.md` are tested against
it.
"""

from enum import StrEnum
from typing import Final, TypeAlias


class State(StrEnum):
    """Where a job is; each state is one structure in the store, and a job is in exactly one."""

    SCHEDULED = "scheduled"  # not before a chosen time
    READY = "ready"  # may be leased now
    LEASED = "leased"  # someone holds it
    RETRYING = "retrying"  # failed, waiting out its backoff
    SUCCEEDED = "succeeded"  # final
    DEAD = "dead"  # final: out of attempts, or of crashes
    CANCELLED = "cancelled"  # final: by request, or expired


FINAL: Final = frozenset({State.SUCCEEDED, State.DEAD, State.CANCELLED})
HELD_BY_NOBODY: Final = frozenset({State.SCHEDULED, State.READY, State.RETRYING})

NEW: Final = None  # before the first state
GONE: Final = None  # after the last one

Move: TypeAlias = tuple[State | None, State | None]

# verb -> the moves its script may make. `ready` as the source of a settle is a late one: the lease was
# reaped, and nobody has leased the job since.
MOVES: Final[dict[str, frozenset[Move]]] = {
    "enqueue": frozenset(
        {(NEW, State.READY), (NEW, State.SCHEDULED)}
        | {(s, t) for s in (State.READY, State.SCHEDULED) for t in (State.READY, State.SCHEDULED)}  # unique: replace
    ),
    "fire": frozenset(
        {(NEW, State.READY), (NEW, State.SCHEDULED)}
        | {(s, t) for s in (State.READY, State.SCHEDULED) for t in (State.READY, State.SCHEDULED)}  # unique: replace
        | {(s, State.CANCELLED) for s in HELD_BY_NOBODY}  # the job of the slot before
    ),
    "relay": frozenset({(NEW, State.READY)}),
    "lease": frozenset({(State.READY, State.LEASED), (State.READY, State.CANCELLED)}),
    "ack": frozenset({(s, State.SUCCEEDED) for s in (State.LEASED, State.READY)}),
    "nack": frozenset(
        {(s, t) for s in (State.LEASED, State.READY) for t in (State.RETRYING, State.DEAD, State.CANCELLED)}
    ),
    # to cancelled: somebody asked for that while it was held
    "release": frozenset({(s, State.READY) for s in (State.LEASED, State.READY)} | {(State.LEASED, State.CANCELLED)}),
    "giveback": frozenset({(State.LEASED, t) for t in (State.READY, State.CANCELLED)}),
    "snooze": frozenset(
        {(s, State.SCHEDULED) for s in (State.LEASED, State.READY)} | {(State.LEASED, State.CANCELLED)}
    ),
    "extend": frozenset({(State.LEASED, State.LEASED)}),
    "cancel": frozenset({(s, State.CANCELLED) for s in HELD_BY_NOBODY | {State.LEASED}}),  # leased: a hard one
    "redrive": frozenset({(State.DEAD, State.READY)}),
    "patch": frozenset({(s, t) for s in HELD_BY_NOBODY for t in (s, State.READY)} | {(State.READY, State.SCHEDULED)}),
    "delete": frozenset({(s, GONE) for s in FINAL}),
    "tick": frozenset(
        {(s, State.READY) for s in (State.SCHEDULED, State.RETRYING)}  # promote
        | {(State.LEASED, t) for t in (State.READY, State.RETRYING, State.DEAD, State.CANCELLED)}  # reap
        | {(s, State.CANCELLED) for s in HELD_BY_NOBODY}  # expire, operations
        | {(s, GONE) for s in FINAL | HELD_BY_NOBODY}  # prune, operations
        | {(State.DEAD, State.READY)}  # operations
        | {(s, s) for s in HELD_BY_NOBODY}  # operations: to another queue
    ),
}
