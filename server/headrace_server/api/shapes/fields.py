"""The kinds of fields that bodies are made of, each with its bounds; it must not know which body has which field.

`extra` carries what the bounds cannot say: the words for a fault ("is"), and how a value that is kept as bytes is
checked ("raw").
"""

import re
from datetime import datetime
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta, Raw

from headrace_server.domain import limits
from headrace_server.domain.webhooks import RESERVED

# `(?!\n)`: in Python `$` also matches before a last newline
_END: Final = r"$(?!\n)"
WORKER_PATTERN: Final = rf"^[A-Za-z0-9_.:@\-]{{1,{limits.MAX_NAME_CHARS}}}{_END}"
TAG_NAME_PATTERN: Final = rf"[A-Za-z0-9_.\-]{{1,{limits.MAX_TAG_NAME_CHARS}}}"
TAG_VALUE_PATTERN: Final = rf"[^\x00-\x1F\x7F]{{1,{limits.MAX_TAG_VALUE_CHARS}}}"
ERROR_PATTERN: Final = rf"[^\x00-\x1F\x7F]{{1,{limits.MAX_PATTERN_CHARS}}}"  # the store keeps them apart by \x1F
LIMIT_PATTERN: Final = rf"^(?!([^:]*:){{{limits.MAX_KEY_DEPTH}}}){limits.LANE_KEY_PATTERN}{_END}"
MAX_CURSOR_CHARS: Final = 4_096  # over many shards it has a place in each
_MEDIA_WORD: Final = r"[A-Za-z0-9!#$&^_.+\-]+"
MEDIA_TYPE_PATTERN: Final = rf'^{_MEDIA_WORD}/{_MEDIA_WORD}( ?; ?{_MEDIA_WORD}=("[ !#-\[\]-~]*"|{_MEDIA_WORD}))*{_END}'

Name: TypeAlias = Annotated[str, Meta(pattern=rf"^{limits.NAME_PATTERN}{_END}", extra={"is": "name"})]
OpenQueue: TypeAlias = Annotated[  # that anybody may put jobs into
    str, Meta(pattern=rf"^(?!{re.escape(RESERVED)}){limits.NAME_PATTERN}{_END}", extra={"is": "open_queue"})
]
WorkerId: TypeAlias = Annotated[str, Meta(pattern=WORKER_PATTERN, extra={"is": "worker"})]
Token: TypeAlias = Annotated[str, Meta(pattern=rf"^[0-9a-f]{{32}}{_END}", extra={"is": "token"})]
JobId: TypeAlias = Annotated[str, Meta(pattern=rf"^{limits.ID_PATTERN}{_END}", extra={"is": "job_id"})]
Key: TypeAlias = Annotated[str, Meta(pattern=rf"^[\x21-\x7e]{{1,{limits.MAX_KEY_CHARS}}}{_END}", extra={"is": "key"})]
LaneKey: TypeAlias = Annotated[str, Meta(pattern=rf"^{limits.LANE_KEY_PATTERN}{_END}", extra={"is": "lane"})]
LimitKey: TypeAlias = Annotated[str, Meta(pattern=LIMIT_PATTERN, extra={"is": "limit"})]
LimitKeys: TypeAlias = Annotated[list[LimitKey], Meta(max_length=limits.MAX_LIMIT_KEYS)]
TagName: TypeAlias = Annotated[str, Meta(pattern=rf"^{TAG_NAME_PATTERN}{_END}", extra={"is": "tag_name"})]
TagValue: TypeAlias = Annotated[str, Meta(pattern=rf"^{TAG_VALUE_PATTERN}{_END}", extra={"is": "tag_value"})]
Tags: TypeAlias = Annotated[dict[TagName, TagValue], Meta(max_length=limits.MAX_TAGS)]
TagPair: TypeAlias = Annotated[
    str, Meta(pattern=rf"^{TAG_NAME_PATTERN}:{TAG_VALUE_PATTERN}{_END}", extra={"is": "tag"})
]
MediaType: TypeAlias = Annotated[
    str, Meta(pattern=MEDIA_TYPE_PATTERN, max_length=limits.MAX_MEDIA_TYPE_CHARS, extra={"is": "media_type"})
]
ErrorPattern: TypeAlias = Annotated[str, Meta(pattern=rf"^{ERROR_PATTERN}{_END}", extra={"is": "error_pattern"})]
Cursor: TypeAlias = Annotated[str, Meta(pattern=rf"^[!-~]{{1,{MAX_CURSOR_CHARS}}}{_END}", extra={"is": "cursor"})]
After: TypeAlias = Annotated[str, Meta(max_length=limits.MAX_NAME_CHARS)]
Reason: TypeAlias = Annotated[str, Meta(max_length=limits.MAX_REASON_CHARS)]
Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]

DelayMs: TypeAlias = Annotated[int, Meta(ge=0, le=limits.MAX_DELAY_MS)]
LeaseMs: TypeAlias = Annotated[int, Meta(ge=limits.MIN_LEASE_MS, le=limits.MAX_LEASE_MS)]
RuntimeMs: TypeAlias = Annotated[int, Meta(ge=limits.SECOND_MS, le=limits.MAX_RUNTIME_MS)]
RetentionMs: TypeAlias = Annotated[int, Meta(ge=limits.MIN_RETENTION_MS, le=limits.MAX_RETENTION_MS)]
ResultTtlMs: TypeAlias = Annotated[int, Meta(ge=0, le=limits.MAX_TTL_MS)]
Priority: TypeAlias = Annotated[int, Meta(ge=0, le=limits.MAX_PRIORITY)]
Crashes: TypeAlias = Annotated[int, Meta(ge=1, le=limits.MAX_CRASHES)]
Concurrency: TypeAlias = Annotated[int, Meta(ge=1, le=limits.MAX_CONCURRENCY)]

# Values that are kept as bytes; `payloads.py` checks them by this word.
Value: TypeAlias = Annotated[Raw, Meta(extra={"raw": "payload"})]
Object: TypeAlias = Annotated[Raw, Meta(extra={"raw": "object"})]
Progress: TypeAlias = Annotated[Raw, Meta(extra={"raw": "progress"})]
Checkpoint: TypeAlias = Annotated[Raw, Meta(extra={"raw": "checkpoint"})]
Binary: TypeAlias = Annotated[bytes, Meta(extra={"raw": "binary"})]
# decoded by itself: one bad item never rejects the others
Item: TypeAlias = Annotated[Raw, Meta(extra={"raw": "item"})]


class Body(msgspec.Struct, forbid_unknown_fields=True):
    """A body or a part of one."""
