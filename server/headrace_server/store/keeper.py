"""Brings the store of one folder up and down: starts it, or adopts the living one; it must not know other servers.

Only the server that holds the folder's `lock` may bring up, and only the last user may shut down (embedded.py).
"""

import asyncio
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from headrace_server.store import options, sight
from headrace_server.store.allocator import choose_malloc
from headrace_server.store.binary import Binary
from headrace_server.store.diagnose import diagnose, refuse_older
from headrace_server.store.directory import DataDir, Record
from headrace_server.store.locks import is_locked
from headrace_server.store.process import Proven, spawn
from headrace_server.store.refusal import StoreRefused, StoreUnreachable
from headrace_server.store.sight import Sight

POLL_S: Final = 0.02
SILENT_S: Final = 30.0  # a store that lives and says nothing for so long at a start is given up
LOADING_LOG_S: Final = 5.0
SHUTDOWN_S: Final = 10.0  # the last fsync on a busy disk included
SIGNAL_S: Final = 5.0


class Keeper:
    """One store process, ours or found."""

    def __init__(
        self,
        folder: DataDir,
        appendfsync: str,
        find: Callable[[], Binary],
        log: Callable[[str], None],
        *,
        malloc: str,
    ) -> None:
        self._dir = folder
        self._appendfsync = appendfsync
        self._malloc = malloc
        self._find = find
        self._log = log
        self._child: subprocess.Popen[bytes] | None = None
        self._exit_code: int | None = None
        self._proven: Proven | None = None
        self.adopted = False

    def alive(self) -> bool:
        """Return whether a store lives in the folder. For the supervisor only: looking takes the lock briefly."""
        if self._child is not None and self._child.poll() is not None:  # reaps it
            self._exit_code, self._child = self._child.returncode, None
        return is_locked(self._dir.store_lock)

    def socket(self) -> Path:
        """Return where the living or the next store listens."""
        record = self._dir.read_record()
        return Path(record.socket) if record else self._dir.socket()

    async def bring_up(self) -> Sight | None:
        """Start the store, or adopt the living one, and wait until it serves; None: it died meanwhile, try again.

        Raises StoreRefused when it cannot be started.
        """
        self.adopted = self.alive()
        try:
            seen = await (self.wait_until_loaded(self.alive) if self.adopted else self._start())
            return seen if seen is not None and await self._settled_in(seen) else None
        except OSError as error:
            raise self._dir.unusable(error) from error

    async def wait_until_loaded(self, alive: Callable[[], bool]) -> Sight | None:
        """Return the store once it serves; None as soon as `alive` says no.

        Raises StoreRefused for somebody else's store, StoreUnreachable for one that lives and says nothing.
        """
        loop = asyncio.get_running_loop()
        heard_at = told_at = loop.time()
        while loop.time() - heard_at < SILENT_S:
            seen = await sight.look(self.socket())
            if seen is None and not alive():
                return None
            if seen is not None:
                heard_at = loop.time()
                self._refuse_foreign(seen)
                if not seen.loading:
                    return seen
                if heard_at - told_at > LOADING_LOG_S:
                    told_at = heard_at
                    self._log("the store is reading its data")
            await asyncio.sleep(POLL_S)
        raise StoreUnreachable(
            f"A store lives in {self._dir.path} and has said nothing for {SILENT_S:g} s.",
            f"See {self._dir.log}. If its process hangs ({self._dir.read_record()}), end that process and start again.",
        )

    async def shut_down(self) -> None:
        """End the store and wait until it is gone; its last writes are fsynced first."""
        if self.alive() and not (await self._asked_to_end() and await self._gone_within(SHUTDOWN_S)):
            self._log("the store does not end when asked")
            await self._end_by_signal()
        if not self.alive():
            self._dir.clean()

    def let_go(self) -> None:
        """Leave the store alone from now on; it lives on."""
        if self._proven is not None:
            self._proven.close()
            self._proven = None
        if self._child is not None:
            self._child.returncode = 0  # nobody will wait for it here: without this Python warns of a running child
            self._child = None

    async def _start(self) -> Sight | None:
        binary = await asyncio.to_thread(self._find)
        refuse_older(binary, self._dir.read_written_by(), self._dir.path)
        self._dir.rotate_log()
        offset = self._dir.log.stat().st_size if self._dir.log.exists() else 0
        socket = self._dir.socket()
        # the record comes first: a kill -9 of this server in between must not hide the store from the next one
        self._dir.write_record(Record(str(socket)))
        command = options.command(binary.path, self._dir.path, socket, self._dir.log, appendfsync=self._appendfsync)
        malloc = await asyncio.to_thread(choose_malloc, binary, self._malloc)
        if malloc.fault:
            self._log(malloc.fault)
        self._child = spawn([*malloc.words, *command], self._dir)
        if self._child is None:
            return None
        seen = await self.wait_until_loaded(self.alive)
        if seen is None:
            raise diagnose(self._last_words(offset), self._exit_code, binary, self._dir.path)
        return seen

    async def _settled_in(self, seen: Sight) -> bool:
        """Note what lives now, and raise its `appendfsync` to what this server promises; it is never lowered.

        Return False when the store died meanwhile.
        """
        weaker = self._appendfsync == options.FSYNC_ALWAYS != seen.appendfsync
        if weaker and not await sight.set_appendfsync(self.socket(), self._appendfsync):
            return False
        self._dir.write_record(Record(str(self.socket()), seen.pid))
        self._dir.write_written_by(seen.name, seen.version)
        if self._proven is not None:
            self._proven.close()
        self._proven = Proven.of(seen.pid, self._dir.path)
        verb = "adopted" if self.adopted else "started"
        self._log(f"{verb} the store: {seen.name} {seen.version}, process {seen.pid}, {seen.malloc}, {self.socket()}")
        return True

    def _refuse_foreign(self, seen: Sight) -> None:
        if not seen.lives_in(self._dir.path):
            raise StoreRefused(
                f"Another store (process {seen.pid}, data in {seen.data_dir}) listens on {self.socket()}.",
                "End it, or choose another --data-dir (HEADRACE_DATA_DIR).",
            )

    def _last_words(self, offset: int) -> str:
        with self._dir.log.open("rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")

    async def _asked_to_end(self) -> bool:
        seen = await sight.look(self.socket())
        if seen is None or not seen.lives_in(self._dir.path):
            return False
        await sight.shut_down(self.socket())
        return True

    async def _end_by_signal(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._child is not None:
                self._child.send_signal(number)
            elif self._proven is not None:
                self._proven.send(number)
            else:
                self._log("a process that cannot be proven to be this store is left alone")
                return
            if await self._gone_within(SIGNAL_S):
                return

    async def _gone_within(self, timeout_s: float) -> bool:
        for _ in range(int(timeout_s / POLL_S)):
            if not self.alive():
                return True
            await asyncio.sleep(POLL_S)
        return False
