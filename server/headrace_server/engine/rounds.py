"""What a check does about each key of a shard, by its name; the names are built in lua/lib.lua."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from headrace_server.domain import limits

_JOB_SETS: Final = frozenset(b"scheduled ready leased retrying succeeded dead cancelled laned expiring results".split())
_MARKS: Final = {b"settings": b"1", b"laned": b"2", b"turns": b"4"}  # as in lua/settings.lua
_NOT_CHECKED: Final = frozenset(b"meta agenda rates polled clock tally:free".split())


class Task(msgspec.Struct, array_like=True):
    """Something to look at, in as many scripts as it takes."""

    what: str  # a name of CHECKS
    args: list[bytes]
    at: list[bytes] | None = None  # of a sorted set: the place behind which to go on
    scan: str = ""  # SSCAN, HSCAN or ZSCAN: the members of `key` are the last arguments
    key: bytes = b""
    position: bytes = b"0"
    with_values: bool = False


def tasks_of(names: Sequence[bytes], prefix: bytes) -> tuple[list[Task], list[bytes]]:
    """Return what is to be done about some keys, those of a kind together where they are small, and keys of no kind."""
    together: dict[str, list[bytes]] = {}
    tasks: list[Task] = []
    strangers: list[bytes] = []
    for name in names:
        kind, _, rest = name.partition(b":")
        if rest and kind in _SMALL:
            together.setdefault(_SMALL[kind], []).append(rest)
        elif rest and kind == b"q":
            tasks += _of_queue(*rest.partition(b":")[::2], prefix + name)
        elif (kind, rest[:2]) in _ONE_OF:
            together.setdefault(_ONE_OF[kind, rest[:2]], []).append(rest[2:])
        elif name in _WHOLE:
            tasks.append(_WHOLE[name](prefix + name))
        elif kind in _LARGE:
            tasks.append(_LARGE[kind](rest, prefix + name))
        elif kind not in _NOT_CHECKED and name not in _NOT_CHECKED:
            strangers.append(name)
    for what, items in together.items():
        starts = range(0, len(items), limits.CHECK_STEP)
        tasks += [Task(what, items[start : start + limits.CHECK_STEP]) for start in starts]
    return tasks, strangers


def _of_queue(queue: bytes, structure: bytes, key: bytes) -> Iterator[Task]:
    kind, _, name = structure.partition(b":")
    yield Task("name", [queue, _MARKS.get(kind, b"0"), structure])
    if structure in _JOB_SETS:
        yield _paged("set", queue, structure)
    elif kind in (b"lane", b"open"):
        yield _paged(kind.decode(), queue, name)
    elif kind == b"turns":
        yield _paged("turns", queue)
    elif kind == b"busy":
        yield Task("busy", [queue], scan="HSCAN", key=key, with_values=True)
    elif kind == b"settings":
        yield Task("paused", [queue])


def _paged(what: str, *args: bytes) -> Task:
    return Task(what, [*args], at=[b"", b""])


def _dropped(kind: bytes, name: bytes, ends_ms: int) -> Task:
    """Return the task for something that is dropped whole: at `ends_ms` if nobody has planned it."""
    return Task("dropped", [kind, b"%d" % ends_ms, name])


def _bucket(number: bytes) -> Task:
    buckets = limits.IDEMPOTENCY_TTL_MS // limits.IDEMPOTENCY_BUCKET_MS + 1
    return _dropped(b"idem", number, (int(number) + buckets) * limits.IDEMPOTENCY_BUCKET_MS)


_ONE_OF: Final = {
    (b"fleet", b"w:"): "worker",
    (b"beat", b"s:"): "schedule",
    (b"beat", b"r:"): "runs",
    (b"hook", b"s:"): "webhook",
    (b"tally", b"t:"): "tally",
    (b"tally", b"q:"): "seats",
}
_WHOLE: Final[dict[bytes, Callable[[bytes], Task]]] = {
    b"fleet:workers": lambda _: _paged("workers"),
    b"fleet:names": lambda _: _paged("workernames"),
    b"fleet:directives": lambda key: Task("directives", [], scan="HSCAN", key=key),
    b"beat:due": lambda _: _paged("beatdue"),
    b"beat:names": lambda _: _paged("beatnames"),
    b"tally:tasks": lambda _: _paged("tallies"),
    b"hook:names": lambda _: _paged("hooknames"),
    b"hook:state": lambda key: Task("hookstate", [], scan="HSCAN", key=key),
}
_SMALL: Final = {b"j": "job", b"a": "attempts", b"u": "unique", b"op": "operation"}
_LARGE: Final[dict[bytes, Callable[[bytes, bytes], Task]]] = {
    b"tag": lambda tag, _: _paged("tag", tag),
    b"slots": lambda limit, key: Task("slots", [limit], scan="SSCAN", key=key),
    b"shut": lambda limit, _: Task("shut", [limit]),
    b"blocked": lambda *_: _paged("blocked"),
    b"limit_names": lambda *_: _paged("limitnames"),
    b"limits": lambda _, key: Task("limits", [], scan="HSCAN", key=key),
    b"bytes": lambda _, key: Task("bytes", [], scan="HSCAN", key=key),
    b"queues": lambda _, key: Task("known", [], scan="ZSCAN", key=key),
    b"marks": lambda _, key: Task("known", [], scan="HSCAN", key=key),
    b"uniques": lambda *_: Task("uniques", []),
    b"operations": lambda *_: _paged("operations"),
    b"r": lambda worker, _: _dropped(b"replay", worker, 0),
    b"idem": lambda number, _: _bucket(number),
    b"echo": lambda number, _: _dropped(b"echo", number, (int(number) + 2) * limits.ECHO_MS),
    b"events": lambda *_: _dropped(b"events", b"", 0),
}
