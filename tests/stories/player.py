"""Plays a story on a stage: the oracle, or the real engine over a real store under the same virtual clock.

It must not know which of the two it plays on. Job ids sort as the jobs' names do.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from headrace_server.domain.ids import IdMaker
from headrace_server.domain.jobs import Job, QueueStats
from headrace_server.domain.lifecycle import Move, State
from headrace_server.domain.requests import (
    Cancelled,
    Enqueued,
    EnqueueGroup,
    EnqueueStatus,
    Grant,
    LeaseAsk,
    Settle,
    Settled,
)

from tests.stories import writing
from tests.stories.facts import fact_of
from tests.stories.language import Expected, Line, Story, StoryError, millis

START_MS = 1_800_000_000_000  # t=0 of every story
FORGED = b"\xff" * 16


class Stage(Protocol):
    """What a story needs; requests and answers are those of the engine."""

    clock_ms: int
    jitter: float

    def enqueue(self, group: EnqueueGroup) -> Enqueued: ...
    def lease(self, ask: LeaseAsk) -> Grant: ...
    def giveback(self, ask: LeaseAsk, grant: Grant) -> None: ...
    def settle(self, items: Sequence[Settle]) -> list[Settled]: ...
    def cancel(self, ids: Sequence[bytes], reason: str) -> list[Cancelled]: ...
    def get(self, ids: Sequence[bytes]) -> list[Job | None]: ...
    def stats(self, queues: Sequence[str]) -> list[QueueStats]: ...
    def tick(self) -> None: ...
    def failover(self) -> None: ...
    def check(self) -> None:
        """Look for faults that no answer shows."""


class Player:
    """One performance of one story."""

    def __init__(self, story: Story, stage: Stage) -> None:
        self._story = story
        self._stage = stage
        maker = IdMaker()
        names = {name for line in story.lines if line.verb == "enqueue" for name in line.words}
        self._ids = {name: maker.make(START_MS, 0, 0) for name in sorted(names)}
        self._names = {job_id: name for name, job_id in self._ids.items()}
        self._tokens: dict[tuple[str, int], bytes] = {}
        self._grants: dict[str, tuple[LeaseAsk, Grant]] = {}  # by worker
        self._fences: dict[str, int] = {}
        self.moves: set[tuple[str, Move]] = set()  # (verb, (state before, state after)) of every line

    def play(self) -> None:
        """Play all lines; AssertionError names the first that comes out otherwise."""
        for line in self._story.lines:
            self._stage.clock_ms = START_MS + line.at_ms
            before = self._states()
            try:
                self._perform(line)
                self._stage.check()
            except AssertionError as error:
                raise AssertionError(f"{self._story.name}.story:{line.number}: {line.text}\n{error}") from error
            changed = {(b, a) for b, a in zip(before, self._states(), strict=True) if b != a}
            self.moves |= {(line.verb, move) for move in changed}

    def _states(self) -> list[State | None]:
        return [job.state if job else None for job in self._stage.get(list(self._ids.values()))]

    def _perform(self, line: Line) -> None:
        perform: Callable[[Line], str] | None = getattr(self, f"_{line.verb}", None)
        if perform is None:
            raise StoryError(f"{self._story.name}.story:{line.number}: no verb {line.verb!r}")
        verdict = perform(line)
        assert verdict == line.verdict, f"the verdict is: {verdict}"
        for expected in line.jobs:
            self._compare(expected)

    def _compare(self, expected: Expected) -> None:
        (job,) = self._stage.get([self._id(expected.job)])
        state = "gone" if job is None else job.state.value
        assert state == expected.state, f"{expected.job} is {state}"
        for name, text in expected.facts.items():
            assert job is not None
            wanted, found = fact_of(job, name, text, START_MS)
            assert found == wanted, f"{expected.job} has {name} {found}, not {wanted}"

    # -- verbs ----------------------------------------------------------------------------------------

    def _enqueue(self, line: Line) -> str:
        ids = [self._ids[name] for name in line.words]
        answer = self._stage.enqueue(writing.group(ids, line.options, START_MS))
        if answer.status is EnqueueStatus.REPLAYED:
            assert [self._names[i] for i in answer.ids] == [e.job for e in line.jobs]
            return "replayed"
        return "ok" if answer.status is EnqueueStatus.CREATED else f"refused {answer.status.value}"

    def _lease(self, line: Line) -> str:
        ask = writing.ask(line.words, line.options)
        grant = self._stage.lease(ask)
        handed = [(self._names[leased.id], leased.delivery) for leased in grant.jobs]
        wanted = [(e.job, e.lease) for e in line.jobs if e.state == State.LEASED]
        assert handed == wanted, f"handed out: {handed}"
        for leased, (name, delivery) in zip(grant.jobs, handed, strict=True):
            self._note(name, delivery, leased.token, leased.fence, replayed=grant.replayed)
        self._grants[ask.worker or ""] = (ask, grant)
        return "replayed" if grant.replayed else "ok" if grant.jobs else "nothing"

    def _note(self, name: str, delivery: int, token: bytes, fence: int, *, replayed: bool) -> None:
        if replayed:
            assert self._tokens[name, delivery] == token, f"{name} #{delivery} has another token than at first"
            return
        assert token not in self._tokens.values(), "a token was given twice"
        assert fence > self._fences.get(name, 0), f"the fence of {name} fell to {fence}"
        self._tokens[name, delivery], self._fences[name] = token, fence

    def _giveback(self, line: Line) -> str:
        self._stage.giveback(*self._grants[line.options["by"]])
        return "ok"

    def _settle(self, line: Line) -> str:
        item = writing.settle(line.verb, self._id(line.words[0]), self._token(line.words), line.options)
        (answer,) = self._stage.settle([item])
        self._compare_answer(answer)
        status = answer.status.value
        return status if status in ("ok", "late", "repeated") else f"refused {status}"

    def _compare_answer(self, answer: Settled) -> None:
        """Every answer describes the job as it is then, whatever the verdict."""
        (job,) = self._stage.get([answer.job_id])
        told = (answer.state, answer.attempt, answer.run_at_ms, answer.deadline_ms)
        seen = (job.state, job.attempt, job.run_at_ms, job.deadline_ms) if job else (None,) * 4
        assert told == seen, f"the answer tells {told}, the job is {seen}"

    _ack = _nack = _release = _snooze = _extend = _settle

    def _cancel(self, line: Line) -> str:
        (answer,) = self._stage.cancel([self._id(line.words[0])], line.options.get("reason", "because"))
        return "ok" if answer.status == State.CANCELLED else f"refused {answer.status.value}"

    def _get(self, _line: Line) -> str:
        return "ok"

    def _tick(self, _line: Line) -> str:
        self._stage.tick()
        return "ok"

    def _failover(self, _line: Line) -> str:
        self._stage.failover()
        return "ok"

    def _stats(self, line: Line) -> str:
        (answer,) = self._stage.stats([line.words[0]])
        wanted = {name: value for name, value in line.facts.items() if name not in ("backlog", "oldest")}
        found = {state.value: str(n) for state, n in answer.counts.items() if n}
        assert found == wanted, f"counted: {found}"
        if "backlog" in line.facts:
            assert answer.backlog == int(line.facts["backlog"]), f"backlog {answer.backlog}"
        if "oldest" in line.facts:
            assert answer.oldest_ready_age_ms == millis(line.facts["oldest"]), f"oldest {answer.oldest_ready_age_ms}"
        return "ok"

    # -- names ----------------------------------------------------------------------------------------

    def _id(self, name: str) -> bytes:
        return self._ids.get(name) or writing.stranger(name, START_MS)

    def _token(self, words: list[str]) -> bytes:
        """Return the token that `a #1`, `a b#1` (b's) or `a forged` names."""
        if words[1] == "forged":
            return FORGED
        name, _, delivery = words[1].partition("#")
        return self._tokens[name or words[0], int(delivery)]
