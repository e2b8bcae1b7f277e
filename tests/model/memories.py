"""What the oracle remembers about requests: idempotency keys, and leases that may be asked for again."""

from collections.abc import Mapping
from dataclasses import dataclass

from headrace_server.domain.jobs import IdempotencyKey
from headrace_server.domain.limits import IDEMPOTENCY_BUCKET_MS, IDEMPOTENCY_TTL_MS

from tests.model.records import Record


@dataclass(frozen=True)
class Known:
    """A key that was used."""

    fingerprint: bytes
    ids: tuple[bytes, ...]
    bucket_ms: int  # start of the six hours in which it was used


class Keys:
    """The idempotency keys of enqueues: certainly known for 24 h, and forgotten in whole buckets."""

    def __init__(self) -> None:
        self._known: dict[bytes, Known] = {}

    def find(self, key: IdempotencyKey | None, now: int) -> Known | None:
        """Return what the key stood for; None when its bucket is too old, though ticks may drop it later."""
        known = None if key is None else self._known.get(key.digest)
        oldest_ms = now - IDEMPOTENCY_TTL_MS - IDEMPOTENCY_BUCKET_MS
        return known if known is not None and known.bucket_ms > oldest_ms else None

    def add(self, key: IdempotencyKey | None, ids: list[bytes], now: int) -> None:
        """Remember a key."""
        if key is not None:
            self._known[key.digest] = Known(key.fingerprint, tuple(ids), now - now % IDEMPOTENCY_BUCKET_MS)


@dataclass
class Replay:
    """The last grant of a worker that was asked for with a key."""

    key: bytes
    leases: list[tuple[bytes, bytes]]  # (job id, token)
    replays: int = 0


class Replays:
    """One replay record per worker."""

    def __init__(self) -> None:
        self._by_worker: dict[str, Replay] = {}

    def find(self, worker: str | None, key: bytes | None) -> Replay | None:
        """Return the record, if the worker used this very key last."""
        record = None if worker is None else self._by_worker.get(worker)
        return record if record is not None and record.key == key else None

    def add(self, worker: str, key: bytes, leases: list[tuple[bytes, bytes]]) -> None:
        """Remember a grant instead of the worker's last one."""
        self._by_worker[worker] = Replay(key, leases)

    def forget_unless_replayed(self, worker: str | None, key: bytes | None) -> None:
        """Forget the record, unless somebody has its answer already."""
        record = self.find(worker, key)
        if record is not None and record.replays == 0 and worker is not None:
            del self._by_worker[worker]

    def drop_dead(self, jobs: Mapping[bytes, Record]) -> None:
        """Forget the records of which no lease is live."""
        self._by_worker = {
            worker: record
            for worker, record in self._by_worker.items()
            if any(job_id in jobs and jobs[job_id].is_live(token) for job_id, token in record.leases)
        }
