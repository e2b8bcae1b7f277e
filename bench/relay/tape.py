"""What a relay sends to its store, as the harness writes it and the server reads it."""

from pathlib import Path

import msgspec


class Commands(msgspec.Struct, array_like=True):
    """Some commands, as their bytes."""

    data: bytes = b""
    answers: int = 0  # how many there will be


class Job(msgspec.Struct, array_like=True):
    """What Headrace sent for one job."""

    hand_over: Commands  # puts it into the store and leases it
    rest: Commands  # whatever came after that: its settling, the next poll


class Recorded(msgspec.Struct, array_like=True):
    """All of a run."""

    setup: Commands
    jobs: list[Job]

    def write(self, path: Path) -> None:
        """Write it to a file."""
        path.write_bytes(msgspec.msgpack.encode(self))

    @classmethod
    def read(cls, path: Path) -> "Recorded":
        """Return what a file holds."""
        return msgspec.msgpack.decode(path.read_bytes(), type=cls)
