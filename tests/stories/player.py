"""Plays a story on a stage: the oracle, or the real engine over a real store under the same virtual clock.

It must not know which of the two it plays on. Job ids sort as the jobs' names do.
"""

from collections import Counter
from collections.abc import Callable

from headrace_server.domain.ids import IdMaker
from headrace_server.domain.jobs import Leased
from headrace_server.domain.lifecycle import Move, State
from headrace_server.domain.requests import (
    CancelStatus,
    DeleteStatus,
    Enqueued,
    EnqueueStatus,
    Grant,
    LeaseAsk,
    PatchStatus,
    Placed,
    Redrive,
    RedriveStatus,
    Settled,
)

from tests.stories import writing
from tests.stories.facts import fact_of
from tests.stories.language import Expected, Line, Story, StoryError
from tests.stories.operators import Operators
from tests.stories.stage import Stage

START_MS = 1_800_000_000_000  # t=0 of every story
FORGED = b"\xff" * 16


class Player:
    """One performance of one story; with `alike`, jobs of one line come as jobs that differ in their ids only."""

    def __init__(self, story: Story, stage: Stage, *, alike: bool = False) -> None:
        self._story = story
        self._alike = alike
        self._stage = stage
        maker = IdMaker()
        words = [name for line in story.lines if line.verb == "enqueue" for name in line.words]
        self._spare = {
            name: [maker.make(START_MS, 0, 0) for _ in range(n)] for name, n in sorted(Counter(words).items())
        }
        self._names = {job_id: name for name, ids in self._spare.items() for job_id in ids}
        self._ids = {name: ids.pop(0) for name, ids in self._spare.items()}
        self._tokens: dict[tuple[str, int], bytes] = {}
        self._grants: dict[str, tuple[LeaseAsk, Grant]] = {}  # by worker
        self._fences: dict[str, int] = {}
        self._operators = Operators(stage, self._names, START_MS)
        self._calls: dict[str, list[bytes]] = {}  # ids by the words of an enqueue
        self._laned: set[str] = set()  # queues whose jobs may lie in lanes
        self.moves: set[tuple[str, Move]] = set()  # (verb, (state before, state after)) of every line

    def play(self) -> None:
        """Play all lines; AssertionError names the first that comes out otherwise."""
        for line in self._story.lines:
            self._stage.clock_ms = START_MS + line.at_ms
            try:
                self._open_lanes(line)
                before = self._states()
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
        speaks_of_jobs = perform is not None and line.verb not in ("attempts", "explain")
        perform = perform or getattr(self._operators, line.verb, None)
        if perform is None:
            raise StoryError(f"{self._story.name}.story:{line.number}: no verb {line.verb!r}")
        verdict = perform(line)
        assert verdict == line.verdict, f"the verdict is: {verdict}"
        for expected in line.jobs if speaks_of_jobs else ():
            self._compare(expected)

    def _compare(self, expected: Expected) -> None:
        (job,) = self._stage.get([self._id(expected.job)])
        state = "gone" if job is None else job.state.value
        assert state == expected.state, f"{expected.job} is {state}"
        for name, text in expected.facts.items():
            assert job is not None
            wanted, found = fact_of(job, name, text, START_MS)
            assert found == wanted, f"{expected.job} has {name} {found}, not {wanted}"

    def _open_lanes(self, line: Line) -> None:
        """Lanes that were found blocked are opened by whoever frees them, or else by the next ticks."""
        if line.verb == "enqueue" and writing.LANED & line.options.keys():
            self._laned.add(line.options.get("queue", "default"))
        if line.verb in ("patch", "redrive") and self._laned and "queue" in line.options:
            self._laned.add(line.options["queue"])
        if line.verb != "lease" or line.options.get("tick") == "no":
            return
        if self._laned.intersection(line.words[0].split(",")):
            self._stage.open_lanes()

    # -- verbs ----------------------------------------------------------------------------------------

    def _enqueue(self, line: Line) -> str:
        ids = self._ids_of_the_call(line)
        group = writing.group(ids, line.options, START_MS)
        answer = self._stage.enqueue(writing.alike(group) if self._alike else group)
        verdict = _verdict_on_enqueue(answer)
        if verdict in ("replayed", "deduplicated", "replaced"):
            assert [self._names.get(i) for i in answer.ids] == [e.job for e in line.jobs], "answered with other jobs"
        for name, placed in zip(line.words, answer.placed, strict=False):
            if placed is not Placed.CREATED and self._spare[name]:  # the next request of this name is another one
                self._ids[name] = self._spare[name].pop(0)
        return verdict

    def _ids_of_the_call(self, line: Line) -> list[bytes]:
        words = " ".join(line.words)
        if "again" not in line.options:  # else: this very call once more
            self._calls[words] = [self._ids[name] for name in line.words]
        return self._calls[words]

    def _lease(self, line: Line) -> str:
        ask = writing.ask(line.words, line.options)
        grant = self._stage.lease(ask)
        handed = [(self._names[leased.id], leased.facts.delivery) for leased in grant.jobs]
        wanted = [(e.job, e.lease) for e in line.jobs if e.state == State.LEASED]
        assert handed == wanted, f"handed out: {handed}"
        for leased in grant.jobs:
            self._note(leased, replayed=grant.replayed)
        self._grants[ask.worker or ""] = (ask, grant)
        return "replayed" if grant.replayed else "ok" if grant.jobs else "nothing"

    def _note(self, leased: Leased, *, replayed: bool) -> None:
        name, (job,) = self._names[leased.id], self._stage.get([leased.id])
        assert job is not None
        assert (leased.payload, leased.checkpoint) == (job.payload, job.checkpoint)
        told = {name: getattr(leased.facts, name) for name in leased.facts.__struct_fields__}
        assert told == {name: getattr(job, name) for name in told}, f"the worker of {name} is told {told}"
        if replayed:
            token = self._tokens[name, leased.facts.delivery]
            assert token == leased.token, f"{name} #{leased.facts.delivery} has another token than at first"
            return
        assert leased.token not in self._tokens.values(), "a token was given twice"
        assert leased.facts.fence > self._fences.get(name, 0), f"the fence of {name} fell to {leased.facts.fence}"
        self._tokens[name, leased.facts.delivery], self._fences[name] = leased.token, leased.facts.fence

    def _giveback(self, line: Line) -> str:
        self._stage.giveback(*self._grants[line.options["by"]])
        return "ok"

    def _settle(self, line: Line) -> str:
        item = writing.settle(line.verb, self._id(line.words[0]), self._token(line.words), line.options)
        (answer,) = self._stage.settle([item])
        self._compare_answer(item.job_id, answer)
        status = answer.status.value
        return status if status in ("ok", "late", "repeated") else f"refused {status}"

    def _compare_answer(self, job_id: bytes, answer: Settled) -> None:
        """Every answer describes the job as it is then, whatever the verdict."""
        (job,) = self._stage.get([job_id])
        told = (answer.state, answer.attempt, answer.run_at_ms, answer.deadline_ms, answer.cancel_requested)
        seen = (None, None, None, None, False)
        if job is not None:
            seen = (job.state, job.attempt, job.run_at_ms, job.deadline_ms, job.cancel_requested)  # type: ignore[assignment]
        assert told == seen, f"the answer tells {told}, the job is {seen}"

    _ack = _nack = _release = _snooze = _extend = _settle

    def _cancel(self, line: Line) -> str:
        (answer,) = self._stage.cancel([writing.cancel(self._id(line.words[0]), line.options)])
        words = {CancelStatus.CANCELLED: "ok", CancelStatus.REQUESTED: "requested"}
        return words.get(answer.status, f"refused {answer.status.value}")

    def _redrive(self, line: Line) -> str:
        ask = Redrive(job_id=self._id(line.words[0]), queue=line.options.get("queue"))
        (answer,) = self._stage.redrive([ask])
        if answer.status is RedriveStatus.CONFLICT:
            assert answer.conflict in self._names
        return "ok" if answer.status is RedriveStatus.READY else f"refused {answer.status.value}"

    def _patch(self, line: Line) -> str:
        (answer,) = self._stage.patch([writing.patch(self._id(line.words[0]), line.options, START_MS)])
        return "ok" if answer.status is PatchStatus.PATCHED else f"refused {answer.status.value}"

    def _delete(self, line: Line) -> str:
        (answer,) = self._stage.delete([self._id(line.words[0])])
        return "ok" if answer.status is DeleteStatus.DELETED else f"refused {answer.status.value}"

    def _get(self, _line: Line) -> str:
        return "ok"

    def _explain(self, line: Line) -> str:
        found = {(code.value, key or "-") for code, key, *_ in self._stage.explain(self._id(line.words[0])) or ()}
        assert found == {(e.job, e.state) for e in line.jobs}, f"the reasons are: {found}"
        return "ok" if found else "nothing"

    def _attempts(self, line: Line) -> str:
        found = self._stage.attempts(self._id(line.words[0])) or []
        wanted = [(e.job, e.state) for e in line.jobs]
        assert [(a.outcome.value, str(a.attempt)) for a in found] == wanted, f"the attempts are: {found}"
        return "ok" if found else "nothing"

    def _tick(self, _line: Line) -> str:
        self._stage.tick()
        return "ok"

    def _failover(self, _line: Line) -> str:
        self._stage.failover()
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


def _verdict_on_enqueue(answer: Enqueued) -> str:
    if answer.status is EnqueueStatus.REPLAYED:
        return "replayed"
    if answer.status is not EnqueueStatus.CREATED:
        return f"refused {answer.status.value}"
    for refusal in answer.refusals.values():
        return f"refused {refusal.status.value}"
    for placed in (Placed.REPLAYED, Placed.REPLACED, Placed.DEDUPLICATED):
        if placed in answer.placed:
            return placed.value
    return "ok"
