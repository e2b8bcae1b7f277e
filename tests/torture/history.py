"""The history of a torture run: what every client asked and was told, one file a process, one line an event.

A line is written by one system call, so a kill -9 of the writer loses no event that it had noted. `t` is the monotonic
clock of the machine in nanoseconds, which all processes share: it orders what one process did. What the server says of
time (`*_ms`, unix milliseconds of the store's clock) is all that a guarantee is judged by.
"""

import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

Event: TypeAlias = dict[str, Any]


class History:
    """Where one process notes its events."""

    def __init__(self, folder: Path, who: str) -> None:
        self._who = f"{who}-{os.getpid()}"
        self._fd = os.open(folder / f"{self._who}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, what: str, **facts: Any) -> None:
        """Write one event."""
        event = {"t": time.monotonic_ns(), "who": self._who, "what": what, **facts}
        os.write(self._fd, json.dumps(event, separators=(",", ":")).encode() + b"\n")

    def close(self) -> None:
        os.close(self._fd)


def read_history(folder: Path) -> list[Event]:
    """Return all events of a run in the order of their clock."""
    events = [event for path in sorted(folder.glob("*.jsonl")) for event in _events_of(path)]
    return sorted(events, key=lambda event: int(event["t"]))


def _events_of(path: Path) -> Iterator[Event]:
    lines = path.read_bytes().split(b"\n")
    assert lines[-1] == b"", f"{path.name} ends in the middle of an event"
    for line in lines[:-1]:
        yield json.loads(line)


def to_ms(instant: str) -> int:
    """Return RFC 3339 text as unix milliseconds."""
    return round(datetime.fromisoformat(instant).timestamp() * 1000)


def to_instant(unix_ms: int) -> str:
    """Return unix milliseconds as RFC 3339 text in UTC."""
    seconds, ms = divmod(unix_ms, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{ms:03d}Z"
