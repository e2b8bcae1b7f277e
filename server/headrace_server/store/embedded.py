"""The embedded store as one server sees it: supervised by one of the servers on a data directory, joined by the others.

It must not know what is kept in it. File locks, which the kernel drops with their holder, are the only truth about who
supervises, who uses and what lives (directory.py): a kill -9 of any process leaves nothing that must be cleaned up.
"""

import asyncio
import errno
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from headrace_server.store import options
from headrace_server.store.allocator import AUTO
from headrace_server.store.binary import Binary, find_binary
from headrace_server.store.directory import DataDir
from headrace_server.store.keeper import POLL_S, SHUTDOWN_S, SIGNAL_S, Keeper
from headrace_server.store.locks import FileLock, is_locked
from headrace_server.store.refusal import StoreRefused, StoreUnreachable
from headrace_server.store.sight import Sight
from headrace_server.store.supervise import Action, Watch, after_death, decide

WATCH_S: Final = 0.1  # between two looks at a healthy store: one system call each
# what the machine has no more of for the moment, with a thousand connections for instance: no reason to end anything
SHORTAGES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOLCK})


@dataclass(frozen=True)
class EmbeddedFacts:
    """What runs, for `headrace doctor` and GET /v1/server."""

    binary: str
    version: str  # valkey 9.1.2
    malloc: str  # what it allocates with: libjemalloc.so.2, jemalloc-5.3.0, libc
    socket: Path
    pid: int
    adopted: bool  # it was alive already when this server became its supervisor
    joined: bool  # another server supervises it


class EmbeddedStore:
    """The store of one data directory, and this server's part in keeping it."""

    def __init__(
        self,
        data_dir: Path,
        *,
        log: Callable[[str], None],
        warn: Callable[[str], None] | None = None,
        durability: str = "fsync",
        malloc: str = AUTO,
        find: Callable[[], Binary] = find_binary,
    ) -> None:
        """Prepare; nothing is touched before `start`.

        `log` takes one line for the operator, `warn` (else `log`) one that tells of trouble.
        `malloc` is the setting `store_malloc`.
        """
        self._dir = DataDir(data_dir)
        self._log = log
        self._warn = warn or log
        self._keeper = Keeper(self._dir, options.appendfsync_for(durability), find, log, malloc=malloc)
        self._users: FileLock | None = None  # shared, as long as this server uses the store
        self._lock: FileLock | None = None  # alone, as long as this server supervises it
        self._seen: Sight | None = None

    @property
    def facts(self) -> EmbeddedFacts:
        """What runs; only after `start`."""
        seen = self._seen
        assert seen is not None, "the store was not started"
        joined = self._lock is None
        adopted = self._keeper.adopted and not joined
        return EmbeddedFacts(
            seen.binary,
            f"{seen.name} {seen.version}",
            seen.malloc,
            self._keeper.socket(),
            seen.pid,
            adopted,
            joined,
        )

    async def start(self) -> str:
        """Start, adopt or join the store, wait until it has read its data, and return its URL.

        The URL stays the same over restarts of the store. Raises StoreRefused with the ways to fix it: the folder, no
        program, damaged or newer data, a store that is silent.
        """
        self._dir.prepare()
        self._users = await self._enter()
        try:
            while self._seen is None:
                self._seen = await (self._keeper.bring_up() if self._take_lock() else self._join())
        except BaseException:
            await self.stop()
            raise
        return f"unix://{self._keeper.socket()}"

    async def run(self) -> None:
        """Watch the store until cancelled: start it again when it died, take over when its supervisor died.

        Raises StoreRefused when the folder cannot be used any more: it was removed, or renamed.
        """
        watch = Watch(holder=self._lock is not None, since_ms=_now_ms())
        alive, blind = True, False
        while True:
            await asyncio.sleep(WATCH_S)
            try:
                watch, alive = await self._look_after(watch, was_alive=alive)
                blind = False
            except OSError as error:
                if error.errno not in SHORTAGES:
                    raise self._dir.unusable(error) from error
                if not blind:
                    self._warn(f"the store cannot be looked after, will try again: {error.strerror}")
                blind = True

    async def _look_after(self, watch: Watch, *, was_alive: bool) -> tuple[Watch, bool]:
        """Look once and do what is to be done; return what to remember, and whether the store lives."""
        alive = not watch.holder or self._keeper.alive()
        if was_alive and not alive:
            watch = after_death(watch, _now_ms())
            self._warn(f"the store died ({watch.failures} in a row)")
        match decide(watch, alive=alive, now_ms=_now_ms()):
            case Action.TAKE_OVER if self._take_lock():
                self._warn("the server that supervised the store is gone; this one does it now")
                return await self._bring_up(replace(watch, holder=True))
            case Action.START:
                return await self._bring_up(watch)
        return watch, alive

    async def stop(self) -> None:
        """Leave the store, after `run` has ended; the last server that leaves shuts it down and waits for its end."""
        try:
            if self._users is not None and self._users.try_exclusive():
                await self._keeper.shut_down()
        except OSError as error:
            pid = self._seen.pid if self._seen is not None else None
            self._warn(f"the store (process {pid}) was left running, its folder cannot be used: {error.strerror}")
        finally:
            self._keeper.let_go()
            for lock in (self._lock, self._users):
                if lock is not None:
                    lock.close()
            self._lock = self._users = None

    async def _enter(self) -> FileLock:
        """Become a user; waits while the last user of before shuts the store down."""
        lock = FileLock(self._dir.users_lock)
        for _ in range(int((SHUTDOWN_S + 2 * SIGNAL_S) / POLL_S)):
            if lock.try_shared():
                return lock
            await asyncio.sleep(POLL_S)
        lock.close()
        raise StoreUnreachable(
            f"Another server has been shutting down the store in {self._dir.path} for too long.",
            "See its log; when its process is gone, start again.",
        )

    def _take_lock(self) -> bool:
        if self._lock is not None:
            return True
        lock = FileLock(self._dir.lock)
        if lock.try_exclusive():
            self._lock = lock
            return True
        lock.close()
        return False

    async def _join(self) -> Sight | None:
        """Wait for the store that another server supervises; None when that server is gone: try again."""
        seen = await self._keeper.wait_until_loaded(lambda: is_locked(self._dir.lock))
        if seen is not None:
            self._log(f"joined the store of another server: {seen.name} {seen.version}, {self._keeper.socket()}")
        return seen

    async def _bring_up(self, watch: Watch) -> tuple[Watch, bool]:
        """Bring the store up; return what to remember, and whether it lives."""
        try:
            seen = await self._keeper.bring_up()
        except StoreRefused as refused:
            self._warn(f"the store cannot be started, will try again: {refused.message} {refused.remedy}")
            return after_death(watch, _now_ms()), False
        if seen is None:
            return after_death(watch, _now_ms()), False
        self._seen = seen
        return replace(watch, since_ms=_now_ms()), True


def _now_ms() -> int:
    return int(asyncio.get_running_loop().time() * 1000)
