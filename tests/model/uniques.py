"""The oracle's unique keys: who holds which, and until when."""

from dataclasses import dataclass

from headrace_server.domain.jobs import Unique, UniqueUntil


@dataclass
class Hold:
    """A key that is taken."""

    job_id: bytes
    until: UniqueUntil
    free_at_ms: int | None  # with `ttl` only


class Uniques:
    """One holder for each key."""

    def __init__(self) -> None:
        self._holds: dict[bytes, Hold] = {}

    def holder(self, digest: bytes, now: int) -> bytes | None:
        """Return the job that has the key."""
        hold = self._holds.get(digest)
        if hold is None or (hold.free_at_ms is not None and hold.free_at_ms <= now):
            return None
        return hold.job_id

    def take(self, unique: Unique, job_id: bytes, now: int) -> None:
        """Give the key to a job."""
        free_at = now + (unique.ttl_ms or 0) if unique.until is UniqueUntil.TTL else None
        self._holds[unique.digest] = Hold(job_id, unique.until, free_at)

    def free(self, unique: Unique | None, job_id: bytes, *kinds: UniqueUntil) -> None:
        """Free the key of a job if it is of one of the kinds, and if this very job has it."""
        hold = None if unique is None else self._holds.get(unique.digest)
        if unique is not None and hold is not None and hold.job_id == job_id and hold.until in kinds:
            del self._holds[unique.digest]

    def ends(self) -> list[int]:
        """Return the instants at which keys become free by themselves."""
        return [hold.free_at_ms for hold in self._holds.values() if hold.free_at_ms is not None]

    def held(self, now: int) -> dict[bytes, bytes]:
        """Return all keys that are taken, with their holders."""
        return {digest: hold.job_id for digest, hold in self._holds.items() if self.holder(digest, now)}
