"""Looks at the store behind a unix socket, which may be starting, loading, alive or gone, and gives it short orders."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from redis.exceptions import RedisError

from headrace_server.store.allocator import allocator_of
from headrace_server.store.connection import connected, undisturbed

LOOK_MS: Final = 1_000


@dataclass(frozen=True)
class Sight:
    """A store that answered."""

    pid: int
    name: str  # valkey or redis
    version: str
    binary: str  # its program, as it says
    data_dir: Path
    appendfsync: str
    malloc: str  # the library that allocates, or what the program was built with
    loading: bool  # it still reads its data, and serves nothing else

    def lives_in(self, folder: Path) -> bool:
        """Return whether this store's data are those of `folder`."""
        return self.data_dir.exists() and self.data_dir.samefile(folder)


async def look(socket: Path) -> Sight | None:
    """Return what listens on a unix socket; None when nothing answers."""
    return await undisturbed(_look(socket))


async def set_appendfsync(socket: Path, value: str) -> bool:
    """Change `appendfsync` of a running store; False when it did not answer."""
    return await undisturbed(_set_appendfsync(socket, value))


async def shut_down(socket: Path) -> None:
    """Ask a store to end; it writes and fsyncs what it has first. No answer is an answer: it closes the connection."""
    await undisturbed(_shut_down(socket))


async def _look(socket: Path) -> Sight | None:
    try:
        async with connected(f"unix://{socket}", LOOK_MS) as client:
            info = await client.info()
            config = await client.config_get("dir", "appendfsync")
    except (RedisError, OSError):
        return None
    is_valkey = "valkey_version" in info
    return Sight(
        pid=int(info["process_id"]),
        name="valkey" if is_valkey else "redis",
        version=str(info["valkey_version" if is_valkey else "redis_version"]),
        binary=str(info.get("executable", "")),
        data_dir=Path(str(config["dir"])),
        appendfsync=str(config["appendfsync"]),
        malloc=allocator_of(int(info["process_id"]), str(info.get("mem_allocator", ""))),
        loading=str(info.get("loading", "0")) != "0",
    )


async def _set_appendfsync(socket: Path, value: str) -> bool:
    try:
        async with connected(f"unix://{socket}", LOOK_MS) as client:
            await client.config_set("appendfsync", value)
    except (RedisError, OSError):
        return False
    return True


async def _shut_down(socket: Path) -> None:
    with suppress(RedisError, OSError):
        async with connected(f"unix://{socket}", LOOK_MS) as client:
            await client.shutdown(nosave=True)
