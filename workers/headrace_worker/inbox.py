"""Jobs in front of the slots: joins what came with its ticket, and says which start when slots are free.

It lives where the executor lives. Jobs come over one way and tickets over another, so either may be here first.
"""

import threading
from collections.abc import Iterable

from headrace_worker.frames import Order
from headrace_worker.tickets import Tickets


class Inbox:
    """The line of one executor; may be used from any thread. Whoever is given a job here has to start it."""

    def __init__(self, tickets: Tickets, slots: int) -> None:
        self._tickets = tickets
        self._lock = threading.Lock()
        self._free = slots
        self._orders: dict[int, Order] = {}
        self._owned: list[int] = []  # keys whose tickets were taken and whose jobs are still on their way

    @property
    def has_jobs(self) -> bool:
        """Whether jobs wait here for slots."""
        return bool(self._orders)

    def put(self, orders: Iterable[Order]) -> list[Order]:
        """Take in jobs; return those that start now, in free slots."""
        with self._lock:
            self._orders.update((order.key, order) for order in orders)
            return self._startable()

    def forget(self, keys: Iterable[int]) -> None:
        """Drop jobs whose tickets were taken back."""
        with self._lock:
            for key in keys:
                self._orders.pop(key, None)

    def freed(self) -> list[Order]:
        """A slot has become free: return what starts now, mostly one job there."""
        with self._lock:
            self._free += 1
            return self._startable()

    def _startable(self) -> list[Order]:
        if not self._orders:  # the usual case of a worker that has little to do costs no look into the pipe
            return []
        most = min(self._free, len(self._orders)) - len(self._owned)
        owned, self._owned = self._owned + self._tickets.take(most), []
        ready: list[Order] = []
        for key in owned:
            order = self._orders.pop(key, None)
            if order is None:
                self._owned.append(key)
            else:
                ready.append(order)
        self._free -= len(ready)
        return ready
