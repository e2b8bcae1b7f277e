"""From lease to outcome: gives leased jobs to the executor when a slot is free, and what comes back to the settler.

It decides nothing itself: windows and guards are in pace.py, the words for the server in outcome.py.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from headrace import Grant
from headrace.leases import Release, Snooze

from headrace_worker import bounds, clock, log, pace, reporting
from headrace_worker.backoff import UnknownTasks
from headrace_worker.completions import completion
from headrace_worker.hands import Ended, Hands, Said
from headrace_worker.held import Board, HeldJob
from headrace_worker.outcome import Form, Kind, Outcome
from headrace_worker.settle import Settler
from headrace_worker.tally import End, Tally


class Dispatcher:
    """The board, the executor and the way between them."""

    def __init__(
        self, board: Board, hands: Hands, settler: Settler, server_clock: clock.ServerClock, tally: Tally
    ) -> None:
        self._board = board
        self._hands = hands
        self._settler = settler
        self._clock = server_clock
        self._tally = tally
        self._pace = pace.Pace()
        self._unknown = UnknownTasks()
        self._watch = asyncio.Event()
        self._ended = asyncio.Event()
        self._busy_since: float | None = None  # the last end, where all slots were busy after it
        self.hands_changed: Callable[[], None] = lambda: None
        self.room_changed: Callable[[], None] = lambda: None
        self.leased: Callable[[Sequence[HeldJob]], None] = lambda _: None
        self.noted: Callable[[], None] = lambda: None

    @property
    def is_ahead(self) -> bool:
        """Whether it holds more jobs than can run, which it does with short ones only."""
        return self._running() + len(self._board.waiting) > self._hands.slots > 0

    def wanted(self) -> int:
        """Return how many more jobs there is room for."""
        slots = self._hands.slots
        if slots == 0 or self._settler.is_half_full:
            return 0
        held = self._running() + len(self._board.waiting)
        return pace.wanted(slots=slots, held=held, window_jobs=self._window(self._blocked()))

    def accept(self, grant: Grant, *, sent: float, received: float) -> None:
        """Take in the jobs of one grant."""
        self._clock.observe(sent=sent, server_time=grant.server_time, received=received)
        new = self._hold(grant, received)
        known = self._hands.facts
        for held in new:
            if held.deadline <= received:
                self._come_too_late(held)
            elif held.job.task in known:
                self._pace.leased(held.job.task)
                self._board.waiting[held.key] = held
            else:
                self._turn_away(held)
        if self._board.handed and self._blocked():
            self._look()  # the room may be gone that a parked poll was sent for: what is too much goes straight back
        self._hand_over()
        self.leased(new)

    def release_waiting(self, reason: str) -> None:
        """Give back everything that has not started."""
        self._board.unhand(self._hands.take_back())
        self._release(list(self._board.waiting.values()), reason)

    def release_all(self, reason: str) -> None:
        """Give back everything that has not ended; nothing of it may still be running."""
        self._release([*self._board.waiting.values(), *self._board.handed.values()], reason)

    def lose(self, held: HeldJob) -> None:
        """Take in that a lease is lost: stop the job if it can be stopped; its result will be thrown away."""
        held.lost = True
        if self._is_started(held):
            self._hands.lose([held.key])
        else:
            self._board.waiting.pop(held.key, None)
        self._hand_over()
        self.room_changed()

    def ask_to_end(self, held: HeldJob) -> None:
        """Take in that somebody wants a job to end: its task decides; what has not started goes back, and is over."""
        if held.asked_to_end or held.key in self._board.settling:
            return
        held.asked_to_end = True
        log.info("cancel requested", job=held.job.id, task=held.job.task)
        if self._is_started(held):
            self._hands.ask_to_end([held.key])
        else:
            self._release([held], "cancelled")
        self._hand_over()
        self.room_changed()

    def extended(self, held: Sequence[HeldJob]) -> None:
        """Take in new deadlines."""
        handed = [(each.key, each.deadline) for each in held if each.key in self._board.handed]
        if handed:
            self._hands.extend(handed)

    async def sweep(self) -> None:
        """Look after jobs that have not started, for ever; sleeps while there are none."""
        while True:
            await self._watch.wait()
            await asyncio.sleep(bounds.SWEEP_S)
            if self._hands.unstarted or self._board.waiting:
                self._look()
            else:
                self._watch.clear()

    async def drained(self) -> None:
        """Return when nothing runs any more."""
        while self._board.handed:
            self._ended.clear()
            await self._ended.wait()

    def said(self, said: Sequence[Said]) -> None:
        """See Listener."""
        for key, topic, data in said:
            held = self._board.handed.get(key)
            if held is not None and not held.lost:
                held.news.add(topic, data)
        self.noted()

    def done(self, ended: Sequence[Ended]) -> None:
        """See Listener."""
        now = clock.now()
        if self._busy_since is not None:
            self._pace.ended(len(ended), (now - self._busy_since) * 1000)
        handed = self._board.handed
        for key, took_ms, outcome in ended:
            held = handed.get(key)
            if held is not None:  # else it was released meanwhile
                held.took_ms = took_ms
                if outcome.kind is not Kind.CANCELLED:  # no run, or no whole one
                    self._pace.ran(held.job.task, took_ms)
                    self._tally.ran(held.job.task, took_ms / 1000)
                self._end(held, outcome)
        self._busy_since = now if 0 < self._hands.slots <= self._running() else None
        self.room_changed()

    def parted(self, unstarted: Iterable[int], ended: Iterable[tuple[int, Outcome]]) -> None:
        """See Listener."""
        self._board.unhand(unstarted)
        for key, outcome in ended:
            held = self._board.handed.get(key)
            if held is not None:
                reporting.crashed(held.job, outcome)
                self._end(held, outcome)
        self.changed()

    def overran(self, keys: Sequence[int]) -> None:
        """See Listener."""
        for key in keys:
            held = self._board.handed.get(key)
            if held is not None:
                log.error("time_limit exceeded, and nobody can end it here", task=held.job.task, job=held.job.id)
                held.lost = True  # no heartbeat extends it from now on
                self._hands.lose([key])

    def changed(self) -> None:
        """See Listener."""
        self._hand_over()
        self.room_changed()
        self.hands_changed()

    def _is_started(self, held: HeldJob) -> bool:
        """Return whether a job runs; one that does not is taken back, so that it never will."""
        if self._hands.unstarted:
            self._board.unhand(self._hands.take_back())
        return held.key in self._board.handed

    def _hold(self, grant: Grant, received: float) -> list[HeldJob]:
        held: list[HeldJob] = []
        of = grant.server_time
        lease_s = ends = 0.0
        for job in grant.jobs:
            if job.deadline != of:  # most jobs of a grant have the same
                of = job.deadline
                lease_s, ends = clock.seconds(of - grant.server_time), self._clock.local(of)
            held.append(HeldJob(job=job, received=received, lease_s=lease_s, deadline=ends))
        return held

    def _come_too_late(self, held: HeldJob) -> None:
        """Do not begin with a job whose lease may have run out before it was here: this machine was asleep."""
        log.warning("lease over before it was here", job=held.job.id, task=held.job.task)
        self._release([held], "lease_over")

    def _turn_away(self, held: HeldJob) -> None:
        """Give a job back whose task is not known here; never fail it, somebody else may know it."""
        job = held.job
        wait_ms = self._unknown.wait_ms(job.id)
        log.warning(
            "unknown task: start a worker that has it, or cancel its jobs",
            task=job.task,
            job=job.id,
            queue=job.queue,
            put_off_ms=wait_ms or None,
        )
        if wait_ms:
            self._settler.add(held, Snooze(job_id=job.id, token=job.token, delay_ms=wait_ms, reason="unknown_task"))
        else:
            self._settler.add(held, Release(job_id=job.id, token=job.token, reason="unknown_task"))

    def _hand_over(self) -> None:
        slots = self._hands.slots
        if slots and self._board.waiting:
            free = slots - self._running()
            self._hands.run([held.order() for held in self._board.hand_over(free, clock.now())])
        self._watch.set()

    def _end(self, held: HeldJob, outcome: Outcome) -> None:
        job = held.job
        self._ended.set()
        if held.lost:
            self._board.forget(held)
            self._tally.ended(job.task, End.LOST)
            log.warning("result thrown away, the lease was lost", task=job.task, job=job.id)
            return
        by_json = outcome.kind is Kind.RETURNED and outcome.form is Form.JSON
        self._settler.add(held, completion(job, outcome), outcome.size, by_json=by_json)

    def _window(self, blocked: int) -> int:
        return pace.window(self._pace.mean_ms(), self._hands.slots - blocked, self._pace.gap_ms)

    def _running(self) -> int:
        """Return how many jobs have been handed over and take up slots, now or soon."""
        return len(self._board.handed) - self._hands.stuck

    def _blocked(self) -> int:
        """Return how many of the usable slots have been busy for long."""
        since = clock.now() - bounds.BLOCKED_SLOT_MS / 1000
        long = 0
        for held in self._board.handed.values():
            if held.received > since:
                break  # nor can any behind it have begun so long ago: they are in the order in which they came
            long += held.started is not None and held.started < since
        return max(0, long - self._hands.stuck) if long else 0

    def _look(self) -> None:
        """Give back what should have started by now, and what will not start soon."""
        if self._hands.is_uneven:
            self._board.unhand(self._hands.take_back())
            self._hand_over()
        now = clock.now()
        line = [*self._board.note_started(self._hands.unstarted_keys(), now), *self._board.waiting.values()]
        free = max(0, self._hands.slots - (self._running() + len(self._board.waiting) - len(line)))
        blocked = self._blocked()
        keep = free + self._window(blocked) if blocked else None
        places = pace.overdue([(now - held.received) * 1000 for held in line], keep)
        if not places:
            return
        late = {id(line[place]) for place in places}
        self._board.unhand(self._hands.take_back())  # what has started meanwhile is not among them
        self._release([held for held in self._board.waiting.values() if id(held) in late], "not_started")
        self._hand_over()
        self.room_changed()

    def _release(self, jobs: Iterable[HeldJob], reason: str) -> None:
        for held in list(jobs):
            job = held.job
            self._settler.add(held, Release(job_id=job.id, token=job.token, reason=reason))
