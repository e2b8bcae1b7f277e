"""What the worker tells about itself: to the server with its heartbeats, to probes, and to who reads its metrics."""

import asyncio
import os
import platform
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from headrace import Directive, WorkerInfo, __version__

from headrace_worker import bounds
from headrace_worker.duty import Duty
from headrace_worker.hands import Hands
from headrace_worker.held import Board
from headrace_worker.memory import resident_bytes
from headrace_worker.settle import Settler
from headrace_worker.tally import End, Tally


@dataclass(kw_only=True)
class About:
    """One worker: its parts, as far as somebody may want to know of them."""

    id: str
    queues: Sequence[str]
    labels: Mapping[str, str]
    hands: Hands
    board: Board
    settler: Settler
    duty: Duty
    tally: Tally
    introduced: asyncio.Event = field(default_factory=asyncio.Event)  # the server knows of this worker
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def busy(self) -> int:
        """How many jobs run."""
        return max(0, len(self.board.handed) - self.hands.unstarted)

    @property
    def rss_bytes(self) -> int:
        """The memory of the supervisor and of all children."""
        return resident_bytes(os.getpid()) + sum(child.rss_bytes for child in self.hands.children)

    def info(self) -> WorkerInfo:
        """Return what a heartbeat says."""
        return WorkerInfo(
            host=socket.gethostname()[: bounds.HOST_CHARS],
            pid=os.getpid(),
            state=self.duty.now,
            queues=self.queues,
            slots=self.hands.slots,
            busy=self.busy,
            processes=len(self.hands.children),
            tasks=self._tasks(),
            versions={"headrace": __version__, "python": platform.python_version()},
            rss_bytes=self.rss_bytes,
            started_at=self.started_at,
            counts={end.value: self.tally.total(end) for end in (End.SUCCEEDED, End.FAILED, End.RETRIED)},
            labels=self.labels,
        )

    def unready(self) -> Iterator[str]:
        """Yield why it should not be counted on; nothing: it takes on jobs."""
        if self.duty.now is not Directive.RUN:
            yield f"told to {self.duty.now.value}" if self.duty.now is Directive.QUIET else "stopping"
        if not self.introduced.is_set():
            yield "the server has not answered yet"
        for what in sorted(self.tally.failing):
            yield f"{what} fails"
        if self.hands.slots == 0:
            yield "no process that runs tasks"
        if self.settler.is_half_full:
            yield "results wait for the server"

    def _tasks(self) -> list[str] | None:
        """Return the names of its tasks; None where they are too many to tell: some of them would say a wrong thing."""
        names = sorted(self.hands.tasks)
        small = len(names) <= bounds.TOLD_TASKS and sum(map(len, names)) <= bounds.TOLD_TASKS_CHARS
        return names if small else None
