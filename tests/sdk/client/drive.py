"""Runs steps without a network: answers from a list, a clock that only pauses move."""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from headrace._retry import Patience
from headrace._steps import (
    Give,
    Loss,
    NoReply,
    Outcome,
    Pause,
    Reply,
    Request,
    Send,
    Step,
    Steps,
    Stream,
    Together,
    begin,
)
from headrace._verbs import Verbs

R = TypeVar("R")
T = TypeVar("T")

REFUSED = NoReply(Loss.NOT_SENT, "connection refused")
CUT = NoReply(Loss.CUT, "connection reset")
SLOW = NoReply(Loss.SLOW, "read timeout")
ID = "01909c5e-6a52-7000-8a3f-0b6f1d2c3e4f"
TOKEN = "00112233445566778899aabbccddeeff"
NOW = "2026-01-02T03:04:05.684Z"


def reply(document: Any, status: int = 200, **headers: str) -> Reply:
    """Return a JSON reply; `retry_after="1"` is the header Retry-After."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    kind = "application/problem+json" if status >= 400 else "application/json"
    return Reply(status=status, headers={"content-type": kind, **named}, content=json.dumps(document).encode())


def problem(code: str, status: int, **more: Any) -> Reply:
    """Return a problem document."""
    return reply({"code": code, "status": status, "detail": "why", **more}, status)


def job(**more: Any) -> dict[str, Any]:
    """Return a job document."""
    return {
        "id": ID,
        "task": "demo.add",
        "queue": "default",
        "state": "ready",
        "priority": 100,
        "attempt": 1,
        "max_attempts": 3,
        "delivery": 0,
        "crashes": 0,
        "enqueued_at": NOW,
        "payload": [2, 3],
        **more,
    }


def told(*ids: str, state: str = "ready", results: Iterable[dict[str, Any]] = ()) -> Reply:
    """Return what is told of a batch whose producer wants no more than receipts."""
    return reply({"ids": ids, "state": state, "results": list(results)})


@dataclass
class Line:
    """A line to a server that is a list of answers."""

    answers: list[Outcome | Callable[[Request], Outcome]]
    retry: Patience = field(default_factory=Patience)
    draw: float = 1.0
    now_s: float = 0.0
    reply_takes_s: float = 0.0
    sent: list[Send] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    told: Callable[[], None] = lambda: None  # called when one of several calls is told its answer

    @property
    def verbs(self) -> Verbs:
        """The verbs of a client on this line."""
        return Verbs(retry=self.retry, clock=lambda: self.now_s, dice=lambda: self.draw)

    def run(self, steps: Steps[R]) -> R:
        """Carry out the steps and return what they return."""
        value = self._carry(steps)
        assert not self.answers, f"{len(self.answers)} answers were not asked for"
        return value

    def walk(self, stream: Stream[T]) -> Iterator[T]:
        """Carry out the steps of a verb that gives many things, and yield these."""
        outcome: Outcome | None = None
        while True:
            try:
                step = stream.send(outcome)
            except StopIteration:
                return
            if isinstance(step, Give):
                yield step.item
                outcome = None
            else:
                outcome = self._do(step)

    def _carry(self, steps: Steps[R], outcome: Outcome | None = None) -> R:
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as stop:
                value: R = stop.value
                return value
            outcome = self._do(step)

    def _overlap(self, step: Together) -> None:
        """Answer each request, and tell its call so once `at_once` of them are sent."""
        under_way: deque[tuple[Steps[None], Outcome | None]] = deque()
        for call in step.calls:
            under_way.append((call, self._do(begin(call))))
            if len(under_way) == step.at_once:
                self._tell(*under_way.popleft())
        while under_way:
            self._tell(*under_way.popleft())

    def _tell(self, call: Steps[None], outcome: Outcome | None) -> None:
        self.told()
        self._carry(call, outcome)

    def _do(self, step: Step) -> Outcome | None:
        if isinstance(step, Together):
            self._overlap(step)
            return None
        if isinstance(step, Pause):
            self.pauses.append(step.seconds)
            self.now_s += step.seconds
            return None
        self.sent.append(step)
        self.now_s += self.reply_takes_s
        assert self.answers, f"one request too many: {step.request}"
        answer = self.answers.pop(0)
        return answer(step.request) if callable(answer) else answer

    @property
    def request(self) -> Request:
        """The only request that was sent."""
        assert len(self.sent) == 1, self.sent
        return self.sent[0].request


def line(*answers: Outcome | Callable[[Request], Outcome], **more: Any) -> Line:
    """Return a line with these answers."""
    return Line(list(answers), **more)


def body(request: Request) -> Any:
    """Return the JSON body of a request."""
    assert request.content is not None
    return json.loads(request.content)


def keys(sent: Iterable[Send]) -> set[str | None]:
    """Return the Idempotency-Keys of requests."""
    return {step.request.headers.get("Idempotency-Key") for step in sent}
