"""From lease to outcome: gives leased jobs to the executor when a slot is free, and what comes back to the settler.

It decides nothing itself: windows and guards are in pace.py, the words for the server in outcome.py.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from headrace import Grant, Leased, Release, Snooze

from headrace_worker import bounds, clock, log, pace
from headrace_worker.backoff import UnknownTasks
from headrace_worker.hands import Hands
from headrace_worker.held import Board, HeldJob
from headrace_worker.outcome import Form, Kind, Outcome, completion
from headrace_worker.settle import Settler


class Dispatcher:
    """The board, the executor and the way between them."""

    def __init__(self, board: Board, hands: Hands, settler: Settler, server_clock: clock.ServerClock) -> None:
        self._board = board
        self._hands = hands
        self._settler = settler
        self._clock = server_clock
        self._pace = pace.Pace()
        self._unknown = UnknownTasks()
        self._watch = asyncio.Event()
        self._ended = asyncio.Event()
        self.finished = 0  # jobs whose runs ended here
        self.room_changed: Callable[[], None] = lambda: None
        self.leased: Callable[[Sequence[HeldJob]], None] = lambda _: None

    def wanted(self) -> int:
        """Return how many more jobs there is room for."""
        slots = self._hands.slots
        if slots == 0 or self._settler.is_full:
            return 0
        window = pace.window(self._pace.mean_ms(), slots - self._blocked())
        return pace.wanted(
            slots=slots, running=len(self._board.running), waiting=len(self._board.waiting), window_jobs=window
        )

    def accept(self, grant: Grant, *, sent: float, received: float) -> None:
        """Take in the jobs of one grant."""
        self._clock.observe(sent=sent, server_time=grant.server_time, received=received)
        new = [self._hold(job, grant, received) for job in grant.jobs]
        for held in new:
            if held.job.task in self._hands.tasks:
                self._pace.leased(held.job.task)
                self._board.waiting[held.key] = held
            else:
                self._turn_away(held)
        self.leased(new)
        self._fill_slots()

    def release_waiting(self, reason: str) -> None:
        """Give back everything that has not started."""
        self._release(list(self._board.waiting.values()), reason)

    def release_all(self, reason: str) -> None:
        """Give back everything that has not ended; nothing of it may still be running."""
        self._release([*self._board.waiting.values(), *self._board.running.values()], reason)

    def lose(self, held: HeldJob) -> None:
        """Take in that a lease is lost: stop the job if it can be stopped; its result will be thrown away."""
        held.lost = True
        if held.key in self._board.running:
            self._hands.lose([held.key])
        else:
            self._board.waiting.pop(held.key, None)

    def extended(self, held: Sequence[HeldJob]) -> None:
        """Take in new deadlines."""
        running = [(each.key, each.deadline) for each in held if each.key in self._board.running]
        if running:
            self._hands.extend(running)

    async def sweep(self) -> None:
        """Look after jobs that have not started, for ever; sleeps while there are none."""
        while True:
            await self._watch.wait()
            await asyncio.sleep(bounds.SWEEP_S)
            unstarted = self._hands.check()
            self._release_overdue()
            if not unstarted and not self._board.waiting:
                self._watch.clear()

    async def drained(self) -> None:
        """Return when nothing runs any more."""
        while self._board.running:
            self._ended.clear()
            await self._ended.wait()

    def done(self, ended: Sequence[tuple[int, Outcome]]) -> None:
        """See Listener: some runs have ended."""
        for key, outcome in ended:
            held = self._board.running.get(key)
            if held is not None:  # else it was released meanwhile
                self._end(held, outcome)
        self._fill_slots()
        self.room_changed()

    def taken_back(self, keys: Iterable[int]) -> None:
        """See Listener: these have not started; they are the next ones, if they are not too late by then."""
        self._board.unstart(keys)

    def died(self, outcome: Outcome) -> None:
        """See Listener: all that had started is over."""
        for held in list(self._board.running.values()):
            self._end(held, outcome)

    def changed(self) -> None:
        """See Listener: there are more or fewer slots."""
        self._fill_slots()
        self.room_changed()

    def _hold(self, job: Leased, grant: Grant, received: float) -> HeldJob:
        lease_s = clock.seconds(job.deadline - grant.server_time)
        return HeldJob(job=job, received=received, lease_s=lease_s, deadline=self._clock.local(job.deadline))

    def _turn_away(self, held: HeldJob) -> None:
        """Give a job back whose task is not known here; never fail it, somebody else may know it."""
        job = held.job
        wait_ms = self._unknown.wait_ms(job.id)
        log.warning("unknown task", task=job.task, job=job.id, queue=job.queue, put_off_ms=wait_ms or None)
        if wait_ms:
            self._settler.add(held, Snooze(job_id=job.id, token=job.token, delay_ms=wait_ms))
        else:
            self._settler.add(held, Release(job_id=job.id, token=job.token, reason="unknown_task"))

    def _fill_slots(self) -> None:
        free = self._hands.slots - len(self._board.running)
        if free <= 0 or not self._board.waiting:
            return
        now = clock.now()
        started = self._board.start(free, now)
        self._hands.run([held.order() for held in started])
        self._watch.set()

    def _end(self, held: HeldJob, outcome: Outcome) -> None:
        job, now = held.job, clock.now()
        took_ms = (now - (held.started or now)) * 1000
        self._pace.ran(job.task, took_ms)
        self.finished += 1
        self._ended.set()
        if held.lost:
            self._board.forget(held.key)
            log.warning("result thrown away, the lease was lost", task=job.task, job=job.id)
            return
        if outcome.kind is Kind.FAILED:
            log.warning("job failed", task=job.task, job=job.id, attempt=job.attempt, error=outcome.error_type)
        log.debug("job ended", task=job.task, job=job.id, how=outcome.kind, ms=took_ms)
        size = len(outcome.result) + len(outcome.message) + len(outcome.stack or "")
        self._settler.add(held, completion(job, outcome), size, by_json=outcome.form is Form.JSON)

    def _blocked(self) -> int:
        since = clock.now() - bounds.BLOCKED_SLOT_MS / 1000
        return sum(1 for held in self._board.running.values() if held.started is not None and held.started < since)

    def _release_overdue(self) -> None:
        waiting = list(self._board.waiting.values())
        if not waiting:
            return
        now = clock.now()
        places = pace.overdue(
            ((now - held.received) * 1000 for held in waiting),
            mean_ms=self._pace.mean_ms(),
            slots=self._hands.slots,
            blocked=self._blocked(),
        )
        self._release([waiting[place] for place in places], "not_started")
        self.room_changed()

    def _release(self, jobs: Iterable[HeldJob], reason: str) -> None:
        for held in jobs:
            job = held.job
            self._settler.add(held, Release(job_id=job.id, token=job.token, reason=reason))
