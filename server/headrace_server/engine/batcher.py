"""Group commit: what arrives in one turn of the event loop goes to the store in one script; it must not know the verbs.

A script call costs about as much for fifty jobs as for one. At low load a batch is one item and waits for nothing;
under load the calls in flight are few and full.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from headrace_server.domain import limits
from headrace_server.domain.errors import Code, NotDone, StoreFault
from headrace_server.engine.sluice import SentBatch, Sluice

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Bundle(msgspec.Struct, Generic[Item, Answer]):
    """Items of one caller that share a script, and the future of their answers, in order."""

    items: Sequence[Item]
    jobs: int
    size: int  # bytes
    answers: asyncio.Future[Any]
    one: bool = False  # the future is that of the only answer, instead of a list of it

    def resolve(self, answers: Answer | Sequence[Answer]) -> None:
        """Give the answers, or the only one, to whoever still waits."""
        if not self.answers.done():
            self.answers.set_result(answers)

    def fail(self, error: BaseException) -> None:
        """Let whoever still waits hear of a fault."""
        if self.answers.done():
            return
        if isinstance(error, asyncio.CancelledError) and self.answers.cancel():
            return
        # every waiter raises its own: a shared exception would grow one traceback from all of them
        copy = (
            type(error)(error.code, error.detail, retry_after_ms=error.retry_after_ms)
            if isinstance(error, StoreFault)
            else error
        )
        copy.__cause__ = error.__cause__
        self.answers.set_exception(copy)


class Batcher(Generic[Item, Answer]):
    """Collects items of one verb on one shard.

    `run` gets a batch and returns one answer for each item, in order; a StoreFault that it raises is the answer to all.
    `weigh` returns (jobs, bytes) of an item: a batch stays within one script's bounds, except that an item that is
    larger by itself goes alone. `sluice` says when batches go, and what goes together with them. `seen` is told the
    size of each batch.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        weigh: Callable[[Item], tuple[int, int]],
        *,
        sluice: Sluice | None = None,
        seen: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._run = run
        self._weigh = weigh
        self._seen = seen
        self._waiting: deque[Bundle[Item, Answer]] = deque()
        self._waiting_items = 0
        self._loop: asyncio.AbstractEventLoop | None = None  # once there is one: to ask for it is a call of the kernel
        self._sluice = sluice or Sluice()
        self._place = self._sluice.add(self)

    def submit(self, item: Item, answer: "asyncio.Future[Any] | None" = None) -> "asyncio.Future[Answer]":
        """Queue an item and return the future of its answer, `answer` if given; to cancel it does not stop the call.

        The answer is NotDone (overloaded) when too much is waiting.
        """
        jobs, size = self._weigh(item)
        return self._put(Bundle((item,), jobs, size, answer or self._new_future(), True)).answers

    def submit_all(self, items: Sequence[Item]) -> list[Bundle[Item, Answer]]:
        """Queue items as few bundles, each with one future for all of its answers; in order, as by `submit`."""
        bundles: list[Bundle[Item, Answer]] = []
        start = jobs = size = 0
        for at, item in enumerate(items):
            more_jobs, more_bytes = self._weigh(item)
            if at > start and (jobs + more_jobs > limits.SCRIPT_JOBS or size + more_bytes > limits.SCRIPT_BYTES):
                bundles.append(self._put(Bundle(items[start:at], jobs, size, self._new_future())))
                start, jobs, size = at, 0, 0
            jobs, size = jobs + more_jobs, size + more_bytes
        if start < len(items):
            bundles.append(self._put(Bundle(items[start:], jobs, size, self._new_future())))
        return bundles

    async def join(self) -> None:
        """Return when everything queued so far has been answered, and whatever goes with it."""
        await self._sluice.join()

    @property
    def is_waiting(self) -> bool:
        """See Source."""
        return bool(self._waiting)

    def take(self) -> SentBatch | None:
        """See Source."""
        return self._send(self._next_batch()) if self._waiting else None

    def _new_future(self) -> asyncio.Future[Any]:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop.create_future()

    async def _send(self, batch: Sequence[Bundle[Item, Answer]]) -> None:
        items = batch[0].items if len(batch) == 1 else [item for bundle in batch for item in bundle.items]
        self._seen(len(items))
        try:
            answers = await self._run(items)
        except BaseException as error:
            for bundle in batch:
                bundle.fail(error)
            if not isinstance(error, Exception):
                raise
        else:
            start = 0
            for bundle in batch:
                end = start + len(bundle.items)
                bundle.resolve(answers[start] if bundle.one else answers[start:end])
                start = end

    def _put(self, bundle: Bundle[Item, Answer]) -> Bundle[Item, Answer]:
        if self._waiting_items >= limits.BATCH_QUEUE_ITEMS:
            bundle.fail(NotDone(Code.OVERLOADED, "too many calls wait for the store; slow down or add servers"))
            return bundle
        self._waiting.append(bundle)
        self._waiting_items += len(bundle.items)
        if len(self._waiting) == 1:  # else it has been asked for those before
            self._sluice.ask(self._place)
        return bundle

    def _next_batch(self) -> list[Bundle[Item, Answer]]:
        batch: list[Bundle[Item, Answer]] = []
        waiting, jobs, size = self._waiting, 0, 0
        while waiting:
            bundle = waiting[0]
            jobs, size = jobs + bundle.jobs, size + bundle.size
            if batch and (jobs > limits.SCRIPT_JOBS or size > limits.SCRIPT_BYTES):
                break
            batch.append(waiting.popleft())
            self._waiting_items -= len(bundle.items)
        return batch
