"""Who waits for what in this process: polls for queues, readers for jobs; it must not know the store.

A wake-up is only a hint to ask again: it may come too often, and one that is lost is made good by the floor, a
wake-up for all once a second.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Final

ANY: Final = ""  # the name under which every ticket can be found


class Ticket:
    """One waiter: `wait` returns at the next wake-up, or at once if one came since the last `arm`."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(dict.fromkeys(names))  # a request may name a queue twice
        self.woken = False  # whether a wake-up came that has not been used yet
        self._waiter: asyncio.Future[bool] | None = None  # there while it waits
        self._calls: set[str] = set()  # names of the wake-ups since the last `arm`
        self.used: set[str] = set()  # names of those that made it look
        self.early: set[str] = set()  # names of those that came before there was anything
        self.on_wake: Callable[[], None] | None = None  # called once, by the next wake-up

    def arm(self) -> None:
        """Forget earlier wake-ups; call it before looking, so that none between looking and waiting is lost."""
        self.used, self._calls = self._calls, set()
        self.woken = False

    def wake(self, name: str) -> None:
        """Let the waiter look again, because of this name."""
        self._calls.add(name)
        self.woken = True
        _end(self._waiter, is_woken=True)
        if self.on_wake is not None:
            begin, self.on_wake = self.on_wake, None
            begin()

    async def wait(self, timeout_s: float) -> bool:
        """Return True at a wake-up and False after `timeout_s` without one."""
        if self.woken:
            return True
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(timeout_s, partial(_end, self._waiter, is_woken=False))
        try:
            return await self._waiter
        finally:
            self._waiter = None
            timer.cancel()


def _end(waiter: "asyncio.Future[bool] | None", *, is_woken: bool) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(is_woken)


class Parking:
    """Tickets by name, in order of arrival."""

    def __init__(self) -> None:
        self._by_name: dict[str, dict[Ticket, None]] = {}
        self._early: dict[str, int] = {}  # how many were woken by `wake_early`, and no message has told of it yet

    def enter(self, names: Iterable[str]) -> Ticket:
        """Return a new ticket, last in line for each of its names."""
        ticket = Ticket((*names, ANY))
        for name in ticket.names:
            self._by_name.setdefault(name, {})[ticket] = None
        return ticket

    def leave(self, ticket: Ticket, served: Collection[str] | None = None) -> None:
        """Take a ticket out; a wake-up that it got and did not use goes to the next in line.

        `served` names what its last look found something under; None: nothing, so all others would find nothing, too.
        """
        for name in ticket.names:
            line = self._by_name[name]
            del line[ticket]
            if not line:
                del self._by_name[name]
        unused = () if served is None else ticket.used.difference(served)
        for name in ticket.names[:-1]:
            if ticket.woken or name in unused:
                self.wake(name, 1)

    def wake(self, name: str, count: int, *, is_early: bool = False) -> int:
        """Wake the first `count` tickets of a name that are not awake already; return how many there were."""
        left = count
        for ticket in self._by_name.get(name, ()) if count > 0 else ():
            if not ticket.woken:
                if is_early:
                    ticket.early.add(name)
                ticket.wake(name)
                left -= 1
                if not left:
                    break
        return count - left

    def wake_early(self, name: str, count: int) -> int:
        """As `wake`, before the message that will say the same: it wakes nobody in the place of these."""
        woken = self.wake(name, count, is_early=True)
        if woken:
            self._early[name] = self._early.get(name, 0) + woken
        return woken

    def hear(self, name: str, count: int) -> None:
        """Take in a message that there is something for `count`."""
        self.wake(name, count - self.forget_early(name, count))

    def forget_early(self, name: str, count: int) -> int:
        """Expect no message any more for up to `count` that were woken early; return for how many one was expected."""
        early = self._early.pop(name, 0)
        if early > count:
            self._early[name] = early - count
        return min(early, count)

    def came_early(self, ticket: Ticket) -> bool:
        """Tell whether a ticket that found nothing was woken early: then the message may have come and woken nobody.

        It has to look once more; the next message counts in full.
        """
        names, ticket.early = ticket.early, set()
        for name in names:
            self.forget_early(name, 1)
        return bool(names)

    def wake_all(self) -> None:
        """Wake everybody; no message is expected any more, for this makes good for those that were lost."""
        self._early.clear()
        for ticket in self._by_name.get(ANY, ()):
            ticket.wake(ANY)

    def __len__(self) -> int:
        return len(self._by_name.get(ANY, ()))
