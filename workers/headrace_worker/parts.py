"""The parts of one worker and how they hear of each other; it must not know when they begin and end."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence

from headrace_worker import bounds, clock, log, plans, rates, reporting
from headrace_worker.about import About
from headrace_worker.checkins import CheckIns
from headrace_worker.dispatch import Dispatcher
from headrace_worker.duty import Duty
from headrace_worker.hands import Hands
from headrace_worker.heartbeat import Heartbeat
from headrace_worker.held import Board, HeldJob
from headrace_worker.leasing import Leaser
from headrace_worker.line import Line
from headrace_worker.retrying import Retrying
from headrace_worker.settle import Settler
from headrace_worker.tally import Tally


class Misconfigured(Exception):
    """A worker that cannot work until somebody changes something; the text says what."""


class Parts:
    """What there is before the app is imported; the rest comes with `join`."""

    def __init__(self, line: Line, hands: Hands, duty: Duty) -> None:
        self.line = line
        self.hands = hands
        self.duty = duty
        self.board = Board()
        self.tally = Tally()
        self.clock = clock.ServerClock()
        self.settler = Settler(line, self.board, self.tally)
        self.dispatcher = Dispatcher(self.board, hands, self.settler, self.clock, self.tally)

    def join(self, worker_id: str, queues: Sequence[str], labels: Mapping[str, str]) -> "Joined":
        """Return the loops."""
        about = About(
            id=worker_id,
            queues=queues,
            labels=labels,
            hands=self.hands,
            board=self.board,
            settler=self.settler,
            duty=self.duty,
            tally=self.tally,
        )
        return Joined(self, about)


class Joined:
    """The loops of a worker that knows its tasks."""

    def __init__(self, parts: Parts, about: About) -> None:
        self.about = about
        self.leaser = Leaser(parts.line, parts.dispatcher, about)
        self.heartbeat = Heartbeat(parts.line, parts.dispatcher, parts.clock, about)
        parts.settler.takes_ride = self.leaser.takes_ride
        parts.settler.changed = parts.dispatcher.room_changed = self.leaser.wake
        self.check_ins = CheckIns(parts.line, reporting.teller())
        parts.dispatcher.leased, parts.dispatcher.noted = self._leased, self.heartbeat.noted
        parts.settler.ended = self.check_ins.ended if self.check_ins.has_listener else None
        parts.duty.changed = self._duty_changed
        self._line = parts.line
        self._board = parts.board
        self._facts, self._plan = parts.hands.facts, parts.hands.plan
        self._news = asyncio.Event()
        parts.dispatcher.hands_changed = self._news.set

    async def announce(self) -> None:
        """Tell the server the rate limits of the tasks, and what is periodic."""
        await rates.announce(self._line, self._facts, Retrying("limits", self.about.tally))
        if self._plan is not None:
            await plans.announce(self._line, self._plan, Retrying("schedules", self.about.tally))

    async def follow(self, queues: Callable[[], Sequence[str]]) -> None:
        """Keep up with an app that is loaded anew (`--reload`), for ever: its tasks, its queues, its rate limits."""
        while True:
            await self._news.wait()
            self._news.clear()
            facts, plan = self.about.hands.facts, self.about.hands.plan
            if (facts, plan) == (self._facts, self._plan):
                continue
            self._facts, self._plan = facts, plan
            with contextlib.suppress(Misconfigured):  # half an app: it goes on with the queues that it has
                self.about.queues = queues()
            log.info("tasks have changed", tasks=len(facts), queues=",".join(self.about.queues))
            self._duty_changed()
            await self.announce()

    def _leased(self, new: Sequence[HeldJob]) -> None:
        self.heartbeat.leased(new)
        settling = self._board.settling  # what goes back at once has not begun
        self.check_ins.begun(held.job for held in new if held.key not in settling)

    def _duty_changed(self) -> None:
        self.leaser.wake()
        self.heartbeat.changed()


def queues_of(hands: Hands, chosen: Sequence[str], exclude: Sequence[str]) -> tuple[str, ...]:
    """Return the queues to lease from, in strict order: the chosen ones, else the tasks'. Raises Misconfigured."""
    if not hands.tasks:
        log.warning("the app has no tasks, so every job goes back: import the modules that define them")
    all_queues = chosen or tuple(dict.fromkeys(hands.tasks.values())) or ("default",)
    queues = tuple(queue for queue in all_queues if queue not in exclude)
    if not queues:
        raise Misconfigured(f"--exclude leaves none of the queues {', '.join(all_queues)}")
    if len(queues) > bounds.LEASE_QUEUES:
        raise Misconfigured(
            f"the tasks are on {len(queues)} queues, and a worker serves at most {bounds.LEASE_QUEUES}: "
            "choose some with --queues"
        )
    return queues
