"""Notices that a task blocks the event loop that all async tasks of a child share.

Who blocks cannot be stopped from here, but what comes next can run elsewhere meanwhile. It must not know jobs.
"""

import asyncio
import threading
import time
from collections.abc import Callable

from headrace_worker import bounds


class StallWatch:
    """Asks an event loop for a sign of life while there is something on it, from a thread of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, told: Callable[[bool], None]) -> None:
        self._loop = loop
        self._told = told
        self._busy = threading.Event()
        self._ticked = threading.Event()

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._live, name="headrace-stalls", daemon=True).start()

    def set_busy(self, is_busy: bool) -> None:
        """Take in whether something is on the loop."""
        if is_busy:
            self._busy.set()
        else:
            self._busy.clear()

    def _live(self) -> None:
        while True:
            self._busy.wait()
            self._ticked.clear()
            try:
                self._loop.call_soon_threadsafe(self._ticked.set)
            except RuntimeError:
                return  # it is closed
            if not self._ticked.wait(bounds.STALL_S):
                self._told(True)
                self._ticked.wait()
                self._told(False)
            time.sleep(bounds.STALL_S)
