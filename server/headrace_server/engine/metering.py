"""What is counted in the store, read page by page; it must not know how metrics are called."""

import asyncio
import struct
from collections.abc import Sequence
from typing import Any, Final

from headrace_server.domain import limits
from headrace_server.domain.metrics import JobMetrics, QueueMetrics, StoreHealth, TaskMetrics, Times
from headrace_server.engine import decode
from headrace_server.engine.link import Link
from headrace_server.engine.parking import Parking
from headrace_server.engine.routing import Routing
from headrace_server.engine.shard import Shard
from headrace_server.telemetry.catalogue import QUEUE_COUNTERS, TASK_COUNTERS, TASK_SECONDS

_TIMES: Final = 3  # wait, run, total
_TIMES_CELLS: Final = 1 + len(TASK_SECONDS) + 1  # the sum, and a bucket more than there are bounds
_TASK_CELLS: Final = len(TASK_COUNTERS) + _TIMES * _TIMES_CELLS
_WRITES: Final = ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")  # in INFO


class Metering(Routing):
    """The calls about metrics."""

    _link: Link
    _parking: Parking

    async def metrics(self) -> JobMetrics:
        """Return what is known of queues and tasks on all shards. Raises StoreFault."""
        of_shards = await asyncio.gather(*(_queues_of(shard) for shard in self._shards))
        tasks = await asyncio.gather(*(shard.ask("metrics", ["tasks"]) for shard in self._shards))
        found = sorted((queue for queues, _ in of_shards for queue in queues), key=lambda queue: queue.stats.queue)
        cells: dict[str, tuple[int, ...]] = {}
        for _, answers in tasks:
            for name, packed in answers:
                task = name.decode()
                more = _unpacked(packed, _TASK_CELLS)
                cells[task] = tuple(map(sum, zip(cells[task], more, strict=True))) if task in cells else more
        return JobMetrics(
            queues=found[: limits.MAX_METRIC_QUEUES],
            queue_count=sum(count for _, count in of_shards),
            tasks=[_task(task, cells[task]) for task in sorted(cells)],
            now_ms=max(now_ms for now_ms, _ in tasks),
        )

    async def store_health(self) -> StoreHealth:
        """Return how the store says that it is. Raises StoreFault."""
        info, fsync, latency_s = await self._link.vitals()
        is_valkey = "valkey_version" in info
        return StoreHealth(
            server="valkey" if is_valkey else "redis",
            version=info["valkey_version" if is_valkey else "redis_version"],
            fsync=(fsync or "unknown") if info.get("aof_enabled") == "1" else "off",
            latency_s=latency_s,
            memory_bytes=int(info["used_memory"]),
            memory_max_bytes=int(info.get("maxmemory", "0")),
            persistence_ok=all(info.get(name, "ok") == "ok" for name in _WRITES),
        )

    def parked(self) -> int:
        """Return how many requests for jobs wait for some now."""
        return len(self._parking)


async def _queues_of(shard: Shard) -> tuple[list[QueueMetrics], int]:
    """Return the queues of a shard, as many as are told of, and how many there are."""
    found: list[QueueMetrics] = []
    after = ""
    while True:
        now_ms, (count, *page) = await shard.ask("metrics", ["queues", after, limits.METRICS_PAGE])
        found += [_queue(answer, now_ms) for answer in page]
        if len(page) < limits.METRICS_PAGE or len(found) >= limits.MAX_METRIC_QUEUES:
            return found, int(count)
        after = found[-1].stats.queue


def _queue(answer: Sequence[Any], now_ms: int) -> QueueMetrics:
    name, words, packed, polled = answer
    counted = _unpacked(packed, len(QUEUE_COUNTERS))
    return QueueMetrics(decode.stats(name.decode(), words, now_ms), counted, polled=bool(polled))


def _task(name: str, cells: tuple[int, ...]) -> TaskMetrics:
    n = len(TASK_COUNTERS)
    wait, run, total = (cells[start : start + _TIMES_CELLS] for start in range(n, _TASK_CELLS, _TIMES_CELLS))
    return TaskMetrics(name, cells[:n], *(Times(times[0], times[1:]) for times in (wait, run, total)))


def _unpacked(packed: bytes, cells: int) -> tuple[int, ...]:
    """Return so many counters of 64 bits; those that were never counted are not there yet."""
    return struct.unpack(f">{cells}q", packed.ljust(8 * cells, b"\0")[: 8 * cells])
