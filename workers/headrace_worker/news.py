"""What a task says while it runs: how far it is, and where the next attempt can go on; pure values on their way.

The task writes them and the supervisor, which runs no user code, sends them along with a heartbeat. Only the newest of
each kind counts.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import msgpack  # type: ignore[import-untyped]

from headrace_worker import bounds


class Topic(StrEnum):
    """What is said; as the server's API calls it."""

    PROGRESS = "progress"  # for whoever looks at the job
    CHECKPOINT = "checkpoint"  # for the next delivery


_MOST_BYTES: Final = {Topic.PROGRESS: bounds.PROGRESS_BYTES, Topic.CHECKPOINT: bounds.CHECKPOINT_BYTES}


def written(topic: Topic, value: Any) -> bytes:
    """Return a value as JSON. Raises TypeError or ValueError for what no server would take."""
    if _is_deeper(value, bounds.NEWS_DEPTH):
        raise ValueError(f"{topic}: more than {bounds.NEWS_DEPTH} levels deep")
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    if len(text) > _MOST_BYTES[topic]:
        raise ValueError(f"{topic}: {len(text)} bytes of JSON, and at most {_MOST_BYTES[topic]} are taken")
    try:
        msgpack.packb(value)  # that is how it travels
    except OverflowError:
        raise ValueError(f"{topic}: integers of more than 64 bits are not taken") from None
    return text


Unsent: TypeAlias = Mapping[Topic, bytes]  # topic -> JSON


class News:
    """What one job has said and the server does not know."""

    _unsent: Unsent = MappingProxyType({})  # most jobs say nothing, so that is what all of them share

    def __bool__(self) -> bool:
        return bool(self._unsent)

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return sum(map(len, self._unsent.values()))

    @property
    def has_checkpoint(self) -> bool:
        """Whether the next delivery would miss something."""
        return Topic.CHECKPOINT in self._unsent

    def add(self, topic: Topic, data: bytes) -> None:
        """Take in something newer."""
        self._unsent = {**self._unsent, topic: data}

    def unsent(self) -> Unsent:
        """Return what there is."""
        return self._unsent

    def told(self, sent: Unsent) -> None:
        """Forget what was sent, unless something newer has come since."""
        if sent:
            self._unsent = {topic: data for topic, data in self._unsent.items() if sent.get(topic) != data}


def values(sent: Unsent) -> dict[str, Any]:
    """Return what is sent as the fields of a heartbeat."""
    return {topic.value: json.loads(data) for topic, data in sent.items()}


def _is_deeper(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_is_deeper(inner, levels - 1) for inner in value.values())
    if isinstance(value, list | tuple):
        return levels == 0 or any(_is_deeper(inner, levels - 1) for inner in value)
    return False
