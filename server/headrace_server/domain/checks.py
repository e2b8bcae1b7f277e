"""What a janitor finds: places where the store's structures disagree with the records of the jobs; pure."""

from enum import StrEnum

import msgspec


class Wrong(StrEnum):
    """What kind of thing disagrees."""

    PLACE = "place"  # a job is not where its state says, or something lies where it does not belong
    RECORD = "record"  # a job without a state, attempts without a job
    AGENDA = "agenda"  # something that must happen by itself is not planned in time
    EXPIRY = "expiry"
    LANE = "lane"
    TURN = "turn"
    ORDER = "order"  # of ordering keys
    SLOT = "slot"  # of limits
    LIMIT = "limit"
    UNIQUE = "unique"
    TAG = "tag"
    NAME = "name"  # of queues
    BYTES = "bytes"
    OPERATION = "operation"
    WORKER = "worker"
    SCHEDULE = "schedule"
    TALLY = "tally"  # of tasks
    WEBHOOK = "webhook"
    STRANGER = "stranger"  # a key of no known kind


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found."""

    kind: Wrong
    queue: str | None
    job_id: bytes | None
    detail: str  # for people


class CheckPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of a shard's keys, looked at."""

    found: list[Disagreement]
    looked_at: int  # keys and members
    cursor: str | None  # ask again with it; None: the end
