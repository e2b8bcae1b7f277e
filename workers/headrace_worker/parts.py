"""The parts of one worker and how they hear of each other; it must not know when they begin and end."""

from collections.abc import Mapping, Sequence

from headrace_worker import bounds, clock, log
from headrace_worker.about import About
from headrace_worker.dispatch import Dispatcher
from headrace_worker.duty import Duty
from headrace_worker.hands import Hands
from headrace_worker.heartbeat import Heartbeat
from headrace_worker.held import Board
from headrace_worker.leasing import Leaser
from headrace_worker.line import Line
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
        self.leaser = Leaser(parts.line, about.queues, parts.dispatcher, parts.settler, parts.duty, parts.tally)
        self.heartbeat = Heartbeat(parts.line, parts.dispatcher, parts.clock, about)
        parts.settler.takes_ride = self.leaser.takes_ride
        parts.settler.changed = parts.dispatcher.room_changed = self.leaser.wake
        parts.dispatcher.leased, parts.dispatcher.noted = self.heartbeat.leased, self.heartbeat.noted
        parts.duty.changed = self._duty_changed

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
