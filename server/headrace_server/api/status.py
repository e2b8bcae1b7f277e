"""What the API must know of the process around it: draining, disk, store; app.py keeps it true."""

from dataclasses import dataclass
from functools import cached_property

from headrace_server.api.problems import Problem


@dataclass
class Status:
    """The facts behind /readyz, GET /v1/server, and the refusals that no request is to blame for."""

    version: str  # of headrace
    durability: str  # what a 2xx of an enqueue stands for, as in X-Durability
    shards: int
    store_name: str  # valkey or redis
    store_version: str
    embedded: bool  # the store is our own
    draining: bool = False  # about to exit: /readyz is red
    disk_low: bool = False  # the embedded store must not grow: enqueues are refused, settles go on
    refusal: str = ""  # why the store is not fit any more (evicts, became a replica, ...); /readyz is red

    @cached_property
    def durability_header(self) -> tuple[bytes, bytes]:
        """The header that says so."""
        return (b"x-durability", self.durability.encode())

    def require_room(self) -> None:
        """Raise Problem when new jobs cannot be taken."""
        if self.disk_low:
            raise Problem("disk_low")
