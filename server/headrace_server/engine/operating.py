"""Bulk operations: started here, worked off by the ticks of all servers, read as the sum over the shards."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from headrace_server.domain.errors import StoreFault
from headrace_server.domain.lifecycle import State
from headrace_server.domain.limits import MAX_OPERATIONS, OPERATION_SAMPLE, SECOND_MS
from headrace_server.domain.operations import ACTS_ON, OperationAsk, OperationState, OperationView
from headrace_server.engine import encode
from headrace_server.engine.finding import filter_words
from headrace_server.engine.routing import Routing, partly
from headrace_server.engine.shard import Shard

_ASK: Final = msgspec.msgpack.Decoder(OperationAsk)


class Operating(Routing):
    """The calls about operations; a part on each shard goes by the same id."""

    async def operate(self, ask: OperationAsk) -> OperationView:
        """Start an operation on the jobs that are there now. Raises StoreFault."""
        shards, operation_id = self._shards_of(ask.filter.queue), self._make_id(0)
        parts: list[OperationView] = []
        for shard in shards:
            try:
                now_ms, flat = await shard.ask("operate", _args(operation_id, ask, len(shards)))
            except StoreFault as error:
                raise partly(error, len(parts)) from error
            parts.append(_view(operation_id, flat, now_ms))
        return _joined(parts)

    async def operation(self, operation_id: bytes) -> OperationView | None:
        """Return an operation as it is now; None for an unknown id. Raises StoreFault."""
        found = await asyncio.gather(*(_read(shard, 0, operation_id) for shard in self._shards))
        parts = [part for of_shard in found for part in of_shard]
        return _joined(parts) if parts else None

    async def operations(self) -> list[OperationView]:
        """Return the operations that run or ended lately, the newest first. Raises StoreFault."""
        found = await asyncio.gather(*(_read(shard, MAX_OPERATIONS) for shard in self._shards))
        parts: dict[bytes, list[OperationView]] = {}
        for part in (part for of_shard in found for part in of_shard):
            parts.setdefault(part.id, []).append(part)
        newest = sorted(map(_joined, parts.values()), key=lambda each: (each.created_at_ms, each.id), reverse=True)
        return newest[:MAX_OPERATIONS]

    async def stop_operation(self, operation_id: bytes) -> OperationView | None:
        """Let an operation go no further; one that ended stays as it is. None for an unknown id. Raises StoreFault."""
        found = await asyncio.gather(*(shard.ask("stop", [operation_id]) for shard in self._shards))
        parts = [_view(operation_id, flat, now_ms) for now_ms, flat in found if flat]
        return _joined(parts) if parts else None


def _args(operation_id: bytes, ask: OperationAsk, shards: int) -> encode.Args:
    states = [state for state in State if state in ACTS_ON[ask.action] and state in (ask.filter.states or State)]
    each_ms = "" if ask.rate_per_s is None else repr(SECOND_MS * shards / ask.rate_per_s)
    how: encode.Args = ["1" if ask.dry_run else "", each_ms, ask.target_queue or "", " ".join(states)]
    return [operation_id, ask.action, msgspec.msgpack.encode(ask), *how, *filter_words(ask.filter)]


async def _read(shard: Shard, most: int, *ids: bytes) -> list[OperationView]:
    now_ms, answers = await shard.ask("operations", [most, *ids])
    return [_view(operation_id, flat, now_ms) for operation_id, flat in answers if flat]


def _view(operation_id: bytes, flat: Sequence[Any], now_ms: int) -> OperationView:
    found = {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}
    sample = found["sample"]
    return OperationView(
        id=operation_id,
        ask=_ASK.decode(found["ask"]),
        state=OperationState(found["state"].decode()),
        scanned=int(found["scanned"]),
        matched=int(found["matched"]),
        done=int(found["done"]),
        skipped=int(found["skipped"]),
        sample=[sample[i : i + 16] for i in range(0, len(sample), 16)],
        created_at_ms=int(found["created"]),
        finished_at_ms=int(found["finished"]) if found["finished"] else None,
        now_ms=now_ms,
    )


def _joined(parts: Sequence[OperationView]) -> OperationView:
    """Return the sum of the parts: running while one of them runs."""
    states = {part.state for part in parts}
    ends = [part.finished_at_ms for part in parts if part.finished_at_ms is not None]
    order = (OperationState.RUNNING, OperationState.CANCELLED, OperationState.DONE)
    state = next(state for state in order if state in states)
    return OperationView(
        id=parts[0].id,
        ask=parts[0].ask,
        state=state,
        scanned=sum(part.scanned for part in parts),
        matched=sum(part.matched for part in parts),
        done=sum(part.done for part in parts),
        skipped=sum(part.skipped for part in parts),
        sample=[job_id for part in parts for job_id in part.sample][:OPERATION_SAMPLE],
        created_at_ms=min(part.created_at_ms for part in parts),
        finished_at_ms=None if state is OperationState.RUNNING else max(ends),
        now_ms=max(part.now_ms for part in parts),
    )
