"""Tells the server how jobs ended: a buffer that survives outages, and the loop that empties it.

Most completions ride on the next lease request (leasing.py). What no lease request is about to take, because the poll
is parked or no slot is free, goes by itself. A completion leaves the buffer only when the server has judged it; it may
be sent again as often as need be, for its token makes the second time a `repeated`.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Final

from headrace import Completion, HeadraceError, Invalid, JobError, Settled, State, Status
from headrace.leases import Ack, Nack, Release, Snooze

from headrace_worker import bounds, clock, endings, log
from headrace_worker.held import Board, HeldJob
from headrace_worker.line import Line
from headrace_worker.news import News
from headrace_worker.retrying import Retrying
from headrace_worker.tally import End, Tally, end_of

_IN_BATCH: Final = re.compile(r"^/items/\d+")  # where a fault is in a request, which is nothing to the task's author
_LARGE_ADVICE: Final = "keep what is large elsewhere, and return where it is"
ENVELOPE_BYTES: Final = 300  # of a completion beside its result or error
_NO_ROOM: Final = "the server could not be reached, and the worker's buffer of results was full"
_AS_ASKED: Final = {  # what a server that is asked to be brief leaves out, and the end that it is; no nack is left out
    Ack: (Settled(status=Status.OK, state=State.SUCCEEDED), End.SUCCEEDED),
    Release: (Settled(status=Status.OK, state=State.READY), End.RETURNED),
    Snooze: (Settled(status=Status.OK, state=State.SCHEDULED), End.RETURNED),
    Nack: (Settled(status=Status.OK), End.RETRIED),
}
_UNDECIDED: Final = (Status.NOT_DONE, Status.UNKNOWN)
SPOILT: Final = (Invalid, TypeError, ValueError, RecursionError)  # a request that one of its items made unsendable


@dataclass(slots=True)
class Item:
    """One completion on its way."""

    held: HeldJob
    completion: Completion
    size: int  # bytes, roughly
    by_json: bool = False  # the result holds integers that msgpack cannot write
    rides: bool = True  # may travel on a lease request: not by_json, no last words, and it spoilt none before

    @property
    def has_last_words(self) -> bool:
        """Whether a checkpoint has to be sent before: the job will run again, and a nack has no room for it."""
        return self.held.news.has_checkpoint and not isinstance(self.completion, Ack)


class Settler:
    """The buffer and its loop."""

    def __init__(self, line: Line, board: Board, tally: Tally) -> None:
        self._line = line
        self._board = board
        self._tally = tally
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._sending = 0
        self._since = 0.0  # when what waits began to, or before
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._retrying = Retrying("settle", tally)
        self.takes_ride: Callable[[], bool] = lambda: False  # whether a lease request will soon take what is here
        self.ended: Callable[[HeldJob, Completion, Settled], None] | None = None  # hears every final verdict
        self.changed: Callable[[], None] = lambda: None  # called when there is room again

    def __len__(self) -> int:
        return len(self._items) + self._sending

    @property
    def bytes(self) -> int:
        """How much it holds, roughly."""
        return self._bytes

    @property
    def is_half_full(self) -> bool:
        """Whether so much waits that no more jobs should be taken on: the rest is for those that run."""
        return len(self) >= bounds.UNSETTLED_JOBS / 2 or self._bytes >= bounds.UNSETTLED_BYTES / 2

    def add(self, held: HeldJob, completion: Completion, size: int = 0, *, by_json: bool = False) -> None:
        """Take over a job that has ended, for this worker at least."""
        self._board.settle(held)
        if size and self._bytes and self._bytes + size > bounds.UNSETTLED_BYTES:
            completion, size, by_json = _shortened(held, completion, size), 0, False
        item = Item(held, completion, size + ENVELOPE_BYTES, by_json, not by_json)
        if held.news and item.has_last_words:
            item.rides = False
            item.size += held.news.size
        if not self._items:
            self._since = clock.now()
        self._items.append(item)
        self._bytes += item.size
        self._idle.clear()
        self._wake.set()

    def take_along(self) -> list[Item]:
        """Return completions for a lease request; they must come back by `judged` or `put_back`."""
        return self._take(attrgetter("rides"))

    def put_back(self, items: Sequence[Item], *, spoilt: bool = False) -> None:
        """Return completions that were not judged to the head of the buffer; `spoilt`: they made a request invalid."""
        self._sending -= len(items)
        for item in reversed(items):
            item.rides = item.rides and not spoilt
            self._items.appendleft(item)
        self._wake.set()

    def judged(self, items: Sequence[Item], answers: Sequence[Settled]) -> int:
        """Take in the server's verdicts; return how many have to be sent again.

        Each says by its index which item it is of; without one, as a server says it that leaves nothing out, they are
        in the order of the items. An item without a verdict ended as asked.
        """
        told = {place if answer.index is None else answer.index: answer for place, answer in enumerate(answers)}
        again: list[Item] = []
        for place, item in enumerate(items):
            answer = told.get(place)
            if answer is None:
                self._ended(item, *_AS_ASKED[type(item.completion)])
            elif answer.status in _UNDECIDED:
                again.append(item)
            else:
                self._end(item, answer)
        self._sending -= len(items) - len(again)
        self.put_back(again)
        if again:
            self._retrying.fell_short("some completions were not done by the store")
        else:
            self._retrying.worked()  # also where they went along with a request for jobs
        self._note()
        self.changed()
        return len(again)

    async def run(self) -> None:
        """Empty the buffer for ever."""
        while True:
            await self._wake.wait()
            seconds = self._lingers()
            if seconds > 0.0:
                await asyncio.sleep(seconds)
                continue  # what was there has got its ride, and later ones may wait for theirs
            self._wake.clear()
            if self._items:
                await self._send_some()
            if self._items:
                self._wake.set()

    async def flush(self) -> None:
        """Return when everything is settled; the loop must be running."""
        await self._idle.wait()

    def _lingers(self) -> float:
        """Return for how many more seconds the next lease request has a chance to take the completions along."""
        if not (self._items and self._items[0].rides and self.takes_ride()):
            return 0.0
        return self._since + bounds.LINGER_S - clock.now()

    async def _send_some(self) -> None:
        by_json = self._items[0].by_json
        items = self._take(lambda item: item.by_json == by_json)
        if await self._send(items, by_json=by_json):
            await self._retrying.pause()
        else:
            self._retrying.worked()

    async def _send(self, items: Sequence[Item], *, by_json: bool) -> int:
        """Send some completions; return how many have to be sent again, later."""
        try:
            if not await self._tell_last_words([item.held for item in items if item.has_last_words]):
                self._retrying.fell_short("some checkpoints were not kept by the store")
                self.put_back(items)
                return len(items)
            answer = await self._line.complete([item.completion for item in items], by_json=by_json)
        except SPOILT as error:
            return await self._find_culprit(items, error, by_json=by_json)
        except HeadraceError as error:
            self._retrying.failed(error)
            self.put_back(items)
            return len(items)
        return self.judged(items, answer.items)

    async def _tell_last_words(self, jobs: Sequence[HeldJob]) -> bool:
        """Send the last checkpoints of jobs that are not done; return False when they have to be sent again."""
        if not jobs:
            return True
        news = [held.news.unsent() for held in jobs]
        answer = await self._line.heartbeat([held.beat(said) for held, said in zip(jobs, news, strict=True)])
        for held, said, kept in zip(jobs, news, answer.leases, strict=True):
            if kept.status not in _UNDECIDED:
                held.news.told(said)
        return not any(held.news for held in jobs)

    async def _find_culprit(self, items: Sequence[Item], error: Exception, *, by_json: bool) -> int:
        """Something in the request makes it invalid as a whole: halve it until that stands alone."""
        if len(items) == 1 and items[0].has_last_words:
            items[0].held.news = News()  # the checkpoint may be what is refused
            return await self._send(items, by_json=by_json)
        if len(items) == 1:
            self._sending -= 1
            self._refuse(items[0], _refusal(error, items[0].size))
            self._note()
            self.changed()
            return 0
        middle = len(items) // 2
        first = await self._send(items[:middle], by_json=by_json)
        return first + await self._send(items[middle:], by_json=by_json)

    def _end(self, item: Item, answer: Settled) -> None:
        """Act on one verdict that is final."""
        if answer.status is Status.INVALID:
            faults = (f"{_IN_BATCH.sub('', fault.pointer)}: {fault.detail}" for fault in answer.errors)
            self._refuse(item, "; ".join(faults))
            return
        self._ended(item, answer, end_of(item.completion, answer))

    def _ended(self, item: Item, answer: Settled, end: End) -> None:
        self._tally.ended(item.held.job.task, end)
        endings.tell(item.held, item.completion, end)
        if self.ended is not None:
            self.ended(item.held, item.completion, answer)
        self._drop(item)

    def _refuse(self, item: Item, why: str) -> None:
        """Turn a result that the server refuses into a failure that no retry will mend."""
        job = item.held.job
        log.error("completion refused", job=job.id, task=job.task, why=why)
        self._drop(item)
        if isinstance(item.completion, Ack):
            advice = f"; {_LARGE_ADVICE}" if item.size > bounds.LARGE_RESULT_BYTES else ""
            message = f"the server refuses the result of this task: {why}"[: bounds.ERROR_MESSAGE_CHARS - len(advice)]
            message += advice
            error = JobError(type="ResultRefused", message=message)
            self.add(item.held, Nack(job_id=job.id, token=job.token, error=error, retryable=False))

    def _note(self) -> None:
        if not len(self):
            self._idle.set()

    def _drop(self, item: Item) -> None:
        self._bytes -= item.size
        self._board.settled(item.held)

    def _take(self, fits: Callable[[Item], bool]) -> list[Item]:
        """Remove from the buffer what fits, in order, as much as one request may carry."""
        taken: list[Item] = []
        left: deque[Item] = deque()
        size = 0
        while self._items and len(taken) < bounds.SETTLE_JOBS:
            item = self._items.popleft()
            if not fits(item):
                left.append(item)
                continue
            if taken and size + item.size > bounds.SETTLE_BYTES:
                left.append(item)
                break
            size += item.size
            taken.append(item)
        left.extend(self._items)
        self._items = left
        self._sending += len(taken)
        return taken


def _refusal(error: Exception, size: int) -> str:
    """Return why one completion alone cannot be sent; the server's advice is for those who can send less."""
    if isinstance(error, Invalid) and error.problem.code == "body_too_large":
        return f"it takes {size} bytes, more than a request may carry"
    return str(error)


def _shortened(held: HeldJob, completion: Completion, size: int) -> Completion:
    """Return what to settle a job with when the buffer has no room: without a result it runs again, and says why.

    The alternatives are worse: a supervisor that grows until it is killed loses everything, and a lease that is left to
    run out counts as a crash of the job and says nothing.
    """
    job = held.job
    if isinstance(completion, Nack):
        return replace(completion, error=JobError(type=completion.error.type, message=_NO_ROOM))
    log.error("no room for a result, the job will run again", job=job.id, task=job.task, bytes=size)
    error = JobError(type="ResultNotKept", message=f"{size} bytes were thrown away: {_NO_ROOM}")
    return Nack(job_id=job.id, token=job.token, error=error)
