"""Workers as such: heartbeats, directives, lists. The registry lies on the first shard, wherever their queues lie."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from headrace_server.domain import limits
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.fleet import (
    Beat,
    Directive,
    Dismissed,
    WorkerFilter,
    WorkerInfo,
    WorkerPage,
    WorkerRecord,
    WorkerState,
)
from headrace_server.engine import cursors, encode
from headrace_server.engine.batcher import Batcher
from headrace_server.engine.directives import Directives, known
from headrace_server.engine.encode import SEPARATOR
from headrace_server.engine.routing import Routing

_CALL_BYTES: Final = 16  # of a call's name: nobody draws the same twice


class _After(msgspec.Struct, frozen=True, array_like=True):
    """Where a list goes on: behind this worker."""

    id: Annotated[str, Meta(min_length=1)]


class Fleet(Routing):
    """The calls about workers."""

    _defaults: Defaults
    _directives: Directives
    _beats: "Batcher[Beat, tuple[Directive, int]]"

    async def heartbeat(self, beat: Beat) -> tuple[Directive, int]:
        """Note that a worker lives, or that it says goodbye; return what it is told, and the store's clock.

        Raises StoreFault.
        """
        changes = self._directives.changes
        directive, now_ms = await self._beats.submit(beat)
        self._directives.learn(beat.worker, directive, changes)  # in case that a message was missed
        return directive, now_ms

    async def _send_beats(self, beats: Sequence[Beat]) -> list[tuple[Directive, int]]:
        args: encode.Args = [len(beats)]
        for beat in beats:
            args += _args(beat, self._defaults.worker_timeout_ms)
        now_ms, answers = await self._shards[0].ask("heartbeat", args)
        return [(known(told.decode()), now_ms) for told in answers]

    def directive_of(self, worker: str | None) -> Directive | None:
        """Return what a worker is told as far as it was heard here; None: not known, or nobody said who asks."""
        return self._directives.of(worker)

    async def workers(self, wanted: WorkerFilter, *, cursor: str | None, limit: int) -> WorkerPage:
        """Return up to `limit` workers of a filter, in the order of their ids.

        A page ends early when MAX_SCANNED_JOBS were looked at. Raises CursorInvalid, StoreFault.
        """
        after = "" if cursor is None else cursors.read(cursor, _After, wanted).id
        found: list[WorkerRecord] = []
        scanned = 0
        while len(found) < limit and scanned < limits.MAX_SCANNED_JOBS:
            words: encode.Args = [after, wanted.state or "", wanted.queue or "", wanted.task or ""]
            args: encode.Args = [limit - len(found), limits.SCRIPT_JOBS, *words, "1" if wanted.takes_jobs else ""]
            now_ms, (looked_at, go_on, *views) = await self._shards[0].ask("workers", args)
            found += [_record(view, now_ms) for view in views]
            scanned += int(looked_at)
            after = go_on.decode()
            if not after:
                return WorkerPage(workers=found, cursor=None, scanned=scanned)
        return WorkerPage(workers=found, cursor=cursors.write(_After(after), wanted), scanned=scanned)

    async def worker(self, worker: str) -> WorkerRecord | None:
        """Return a worker; None for an unknown one. Raises StoreFault."""
        now_ms, (_, _, *views) = await self._shards[0].ask("workers", [0, worker])
        return _record(views[0], now_ms) if views else None

    async def direct(self, worker: str, directive: Directive) -> WorkerRecord | None:
        """Tell a worker what to do from now on; None for an unknown one. Raises StoreFault.

        A poll that follows the answer finds it known here, whether or not the message has come by then.
        """
        changes = self._directives.changes
        now_ms, views = await self._shards[0].ask("direct", [worker, directive])
        if views:
            self._directives.learn(worker, directive, changes)
        return _record(views[0], now_ms) if views else None

    async def dismiss(self, worker: str) -> Dismissed:
        """Remove the record of a lost worker. Raises StoreFault."""
        _, [status] = await self._shards[0].ask("dismiss", [secrets.token_bytes(_CALL_BYTES), worker])
        return Dismissed(status.decode())

    async def read_directives(self) -> Mapping[str, Directive]:
        """Return what those workers are told that are not to run. Raises StoreFault."""
        _, flat = await self._shards[0].ask("directives", [])
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return {worker.decode(): known(directive.decode()) for worker, directive in pairs}

    async def is_without_worker(self, queue: str, task: str, *, is_polled: bool) -> bool:
        """Return whether workers are known, and none that lives takes such jobs. Raises StoreFault.

        Who asks for jobs of the queue (`is_polled`) and is not known may know the task; it may be one of those that are
        known and do not.
        """
        serving = WorkerFilter(state=WorkerState.UP, queue=queue, takes_jobs=True)
        if await self._is_any(msgspec.structs.replace(serving, task=task)):
            return False
        return await self._is_any(serving if is_polled else WorkerFilter())

    async def _is_any(self, wanted: WorkerFilter) -> bool:
        cursor: str | None = None
        while True:
            page = await self.workers(wanted, cursor=cursor, limit=1)
            cursor = page.cursor
            if page.workers or cursor is None:
                return bool(page.workers)


def weight_of(beat: Beat) -> tuple[int, int]:
    """Return the records and bytes of a heartbeat, for batches that keep within a script's bounds."""
    said = 0
    if beat.info is not None:
        said = len(beat.info.facts) + sum(map(len, beat.info.queues or ())) + sum(map(len, beat.info.tasks or ()))
    return 1, said + 16 * min(len(beat.leases), limits.WORKER_JOBS_KEPT)


def _args(beat: Beat, timeout_ms: int) -> encode.Args:
    up_ms = timeout_ms if beat.next_ms is None else 2 * beat.next_ms + limits.WORKER_SPARE_MS
    held = b"".join(beat.leases[: limits.WORKER_JOBS_KEPT])
    args: encode.Args = [beat.worker, up_ms, "1" if beat.is_final else "", len(beat.leases), held]
    if beat.info is None:
        return [*args, ""]
    words = [_packed(beat.info.queues), _packed(beat.info.tasks), "1" if beat.info.takes_jobs else ""]
    return [*args, "1", beat.info.facts, *words, beat.info.process]


def _packed(names: Sequence[str] | None) -> str:
    """Return names between separators, so that each is found with those around it; '' for all."""
    return "" if names is None else SEPARATOR.join(["", *names, ""])


def _unpacked(packed: bytes) -> tuple[str, ...] | None:
    return tuple(filter(None, packed.decode().split(SEPARATOR))) if packed else None


def _record(view: Sequence[Any], now_ms: int) -> WorkerRecord:
    worker, lost_ms, directive, flat = view
    fields = {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}
    lost_at_ms = int(float(lost_ms))
    return WorkerRecord(
        id=worker.decode(),
        state=WorkerState.UP if now_ms < lost_at_ms else WorkerState.LOST,
        directive=known(directive.decode()),
        registered_at_ms=int(fields["first"]),
        last_seen_at_ms=int(fields["seen"]),
        lost_at_ms=lost_at_ms,
        leased=int(fields["leased"]),
        job_ids=[fields["jobs"][i : i + 16] for i in range(0, len(fields["jobs"]), 16)],
        info=_info(fields) if "facts" in fields else None,
        now_ms=now_ms,
    )


def _info(fields: Mapping[str, bytes]) -> WorkerInfo:
    return WorkerInfo(
        facts=fields["facts"],
        queues=_unpacked(fields["queues"]),
        tasks=_unpacked(fields["tasks"]),
        takes_jobs=fields["takes"] == b"1",
        process=fields["process"].decode(),
    )
