"""Jobs in front of the slots: joins what came with its ticket, and starts as many as slots are free.

It lives where the executor lives. Jobs come over one way and tickets over another, so either may be here first.
"""

import threading
from collections.abc import Callable, Iterable

from headrace_worker.frames import Order
from headrace_worker.tickets import Tickets


class Inbox:
    """The line of one executor; may be used from any thread."""

    def __init__(self, tickets: Tickets, slots: int, start: Callable[[Order], None]) -> None:
        self._tickets = tickets
        self._start = start
        self._lock = threading.Lock()
        self._free = slots
        self._orders: dict[int, Order] = {}
        self._owned: dict[int, None] = {}  # keys whose tickets were taken and whose jobs are still on their way

    def put(self, orders: Iterable[Order]) -> None:
        """Take in jobs, and start what can be started."""
        with self._lock:
            self._orders.update((order.key, order) for order in orders)
        self._fill()

    def forget(self, keys: Iterable[int]) -> None:
        """Drop jobs whose tickets were taken back."""
        with self._lock:
            for key in keys:
                self._orders.pop(key, None)

    def freed(self) -> None:
        """A slot has become free: start the next job there."""
        with self._lock:
            self._free += 1
        self._fill()

    def _fill(self) -> None:
        with self._lock:
            self._owned.update(dict.fromkeys(self._tickets.take(self._free - len(self._owned))))
            ready = [key for key in self._owned if key in self._orders]
            orders = [self._orders.pop(key) for key in ready]
            for key in ready:
                del self._owned[key]
            self._free -= len(ready)
        for order in orders:
            self._start(order)
