"""A picture of a shard: every key of the store as it lies there; for tests only, and it must not know any rule."""

from dataclasses import dataclass, field
from typing import Any

import redis
from headrace_server.domain.lifecycle import State

SEPARATOR = b"\x1f"  # between the parts of a name

Fields = dict[bytes, bytes]
Scores = dict[bytes, float]
_KINDS = (b"j", b"a", b"r", b"idem", b"echo", b"slots", b"shut", b"u", b"tag", b"op", b"tally")
_SINGLE = (
    *(b"meta", b"clock", b"agenda", b"queues", b"marks", b"limits", b"limit_names", b"rates", b"blocked", b"events"),
    *(b"bytes", b"polled", b"uniques", b"operations"),
)


@dataclass
class Picture:
    """Everything a shard holds, by kind and short name."""

    by_kind: dict[bytes, dict[bytes, Any]] = field(default_factory=lambda: {kind: {} for kind in _KINDS})
    single: dict[bytes, Any] = field(default_factory=dict)
    of_queues: dict[tuple[bytes, str, bytes], Any] = field(default_factory=dict)  # (queue, kind, rest) -> its value
    strangers: list[bytes] = field(default_factory=list)

    @property
    def jobs(self) -> dict[bytes, Fields]:
        return self.by_kind[b"j"]

    @property
    def replays(self) -> set[bytes]:
        return {*self.by_kind[b"r"]}

    @property
    def agenda(self) -> Scores:
        return self.single.get(b"agenda") or {}

    def sets(self, *names: str) -> dict[tuple[bytes, str], Scores]:
        """Return the sets of ids that all queues have under some names."""
        return {(queue, kind): value for (queue, kind, _), value in self.of_queues.items() if kind in names}

    def set(self, queue: bytes, name: str) -> Any:
        """Return one set, or hash, of a queue; empty where there is none."""
        return self.of_queues.get((queue, name, b""), {})

    def below(self, queue: bytes, kind: str) -> dict[bytes, Scores]:
        """Return the sets `q:<queue>:<kind>:<rest>` by the rest."""
        return {rest: value for (q, k, rest), value in self.of_queues.items() if (q, k) == (queue, kind)}

    def ready(self, queue: str) -> list[bytes]:
        """Return the ids of the ready jobs of a queue, in lanes or not, in the order of their places."""
        name = queue.encode()
        members = {**self.set(name, State.READY.value), **self.set(name, "laned")}
        return sorted(members, key=lambda job_id: members[job_id])

    def turns(self, queue: str) -> dict[str, int]:
        """Return the virtual time of a queue (as ''), and of the tenants who are ahead of it (as `t` and their key)."""
        times = {name.decode(): int(at) for name, at in self.set(queue.encode(), "times").items()}
        now = times.pop("V", 0)
        return {"": now, **{name: at for name, at in times.items() if at > now}}

    def holders(self, now_ms: int) -> dict[bytes, bytes]:
        """Return the unique keys that are taken, and by which job."""
        values = self.by_kind[b"u"].items()
        return {key: value[:16] for key, value in values if not value[16:] or int(value[16:]) > now_ms}


def take_picture(client: "redis.Redis", prefix: bytes) -> Picture:
    """Read the shard whose keys start with `prefix`."""
    picture = Picture()
    keys: list[bytes] = list(client.scan_iter(prefix.replace(b"{", b"[{]") + b"*", count=10_000))
    with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.type(key)
        types = pipe.execute()
        for key, kind in zip(keys, types, strict=True):
            _ask(pipe, key, kind)
        for key, value in zip(keys, pipe.execute(), strict=True):
            _put(picture, key.removeprefix(prefix), value)
    return picture


def _ask(pipe: "redis.client.Pipeline", key: Any, kind: bytes) -> None:
    match kind:
        case b"hash":
            pipe.hgetall(key)
        case b"zset":
            pipe.zrange(key, 0, -1, withscores=True)
        case b"set":
            pipe.smembers(key)
        case b"string":
            pipe.get(key)
        case b"list":
            pipe.lrange(key, 0, -1)
        case _:
            pipe.exists(key)


def _put(picture: Picture, name: bytes, value: Any) -> None:
    if isinstance(value, list) and isinstance(value[0], tuple):  # of members and scores
        value = dict(value)
    kind, _, rest = name.partition(b":")
    if kind == b"q":
        queue, set_name, *tail = rest.split(b":", 2)
        picture.of_queues[queue, set_name.decode(), tail[0] if tail else b""] = value
    elif kind in picture.by_kind:
        picture.by_kind[kind][rest] = value
    elif name in _SINGLE:
        picture.single[name] = value
    else:
        picture.strangers.append(name)
