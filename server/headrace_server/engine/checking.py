"""Goes through all keys of a shard and has each looked at; what is right, only the scripts know."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from headrace_server.domain import limits
from headrace_server.domain.checks import CheckPage, Disagreement, Wrong
from headrace_server.engine import cursors, encode
from headrace_server.engine.link import Link
from headrace_server.engine.rounds import Task, tasks_of
from headrace_server.engine.routing import Routing
from headrace_server.engine.shard import Shard

_BOUND_TO: Final = "check"
_END: Final = b"0"  # of SCAN


class Walk(msgspec.Struct, array_like=True):
    """How far a check has come."""

    tasks: list[Task]  # of keys that were named
    position: bytes = _END  # of SCAN
    is_last: bool = False


class Checking(Routing):
    """The calls of the janitor."""

    _link: Link
    _prefixes: Sequence[bytes]

    async def check(self, shard: int, cursor: str | None, *, repair: bool) -> CheckPage:
        """Look at some of a shard's keys, mend what disagrees with the jobs' records if `repair`, and tell what it was.

        Jobs may come and go meanwhile: each script sees one moment. Raises CursorInvalid, StoreFault.
        """
        walk = Walk([]) if cursor is None else cursors.read(cursor, Walk, _BOUND_TO)
        found: list[Disagreement] = []
        looked_at = 0
        while looked_at < limits.MAX_SCANNED_JOBS and not (walk.is_last and not walk.tasks):
            if not walk.tasks:
                looked_at += await self._next_keys(shard, walk, found)
                continue
            task = walk.tasks.pop()
            more, rest = await self._do(self._shards[shard], task, found, repair=repair)
            looked_at += more
            walk.tasks += rest
        ended = walk.is_last and not walk.tasks
        return CheckPage(found=found, looked_at=looked_at, cursor=None if ended else cursors.write(walk, _BOUND_TO))

    async def begin_check(self, shard: int, interval_ms: int) -> bool:
        """Return whether a round may begin: of all servers one takes it, and none before the interval is over.

        Raises StoreFault.
        """
        _, (_, refusal, *_) = await self._shards[shard].ask("check", ["", "round", interval_ms])
        return not refusal

    async def _next_keys(self, shard: int, walk: Walk, found: list[Disagreement]) -> int:
        prefix = self._prefixes[shard]
        pattern = prefix.replace(b"[", rb"\[").replace(b"?", rb"\?").replace(b"*", rb"\*") + b"*"
        walk.position, keys = await self._link.scan("SCAN", walk.position, "MATCH", pattern, "COUNT", limits.CHECK_STEP)
        walk.is_last = walk.position == _END
        walk.tasks, strangers = tasks_of([key.removeprefix(prefix) for key in keys], prefix)
        found += map(_stranger, strangers)
        return len(keys)

    async def _do(self, shard: Shard, task: Task, found: list[Disagreement], *, repair: bool) -> tuple[int, list[Task]]:
        """Run one script for a task; return how much it looked at and what is left of it."""
        args: encode.Args = ["1" if repair else "", task.what, *task.args]
        rest: list[Task] = []
        members = 0
        if task.scan:
            position, part = await self._link.scan(task.scan, task.key, task.position, "COUNT", limits.CHECK_STEP)
            if position != _END:
                rest.append(msgspec.structs.replace(task, position=position))
            members = len(part)
            args += part if task.with_values or task.scan == "SSCAN" else part[::2]
        elif task.at is not None:
            args += task.at
        _, (looked_at, go_on, *wrong) = await shard.ask("check", args)
        if go_on:
            rest.append(msgspec.structs.replace(task, at=go_on))
        found += map(_disagreement, wrong)
        return int(looked_at) + members, rest


def _disagreement(words: Sequence[Any]) -> Disagreement:
    kind, queue, job_id, detail = words
    return Disagreement(
        kind=Wrong(kind.decode()),
        queue=queue.decode() or None,
        job_id=job_id or None,
        detail=detail.decode(errors="backslashreplace"),
    )


def _stranger(name: bytes) -> Disagreement:
    return Disagreement(kind=Wrong.STRANGER, queue=None, job_id=None, detail=f"a key of no known kind: {name!r}")
