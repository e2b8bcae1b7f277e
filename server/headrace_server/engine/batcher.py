"""Group commit: what arrives in one turn of the event loop goes to the store in one script; it must not know the verbs.

A script call costs about as much for fifty jobs as for one. At low load a batch is one item and waits for nothing;
under load the calls in flight are few and full.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from headrace_server.domain import limits
from headrace_server.domain.errors import Code, NotDone, StoreFault

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Batcher(Generic[Item, Answer]):
    """Collects items of one verb on one shard.

    `run` gets a batch and returns one answer for each item, in order; a StoreFault that it raises is the answer to all.
    `weigh` returns (jobs, bytes) of an item: a batch stays within one script's bounds, except that an item that is
    larger by itself goes alone. Two batches may be in flight and overtake each other, unless `in_order`. `seen` is told
    the size of each batch.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        weigh: Callable[[Item], tuple[int, int]],
        *,
        in_order: bool = False,
        seen: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._run = run
        self._weigh = weigh
        self._seen = seen
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._in_flight = 0
        self._may_fly = 1 if in_order else limits.BATCH_IN_FLIGHT
        self._scheduled = False
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, item: Item) -> "asyncio.Future[Answer]":
        """Queue an item and return the future of its answer; cancelling the future does not stop the call.

        The answer is NotDone (overloaded) when too much is waiting.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        if len(self._waiting) >= limits.BATCH_QUEUE_ITEMS:
            future.set_exception(
                NotDone(Code.OVERLOADED, "too many calls wait for the store; slow down or add servers")
            )
            return future
        self._waiting.append((item, future))
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._send)
        return future

    async def join(self) -> None:
        """Return when everything queued so far has been answered."""
        while self._tasks or self._waiting:
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.sleep(0)

    def _send(self) -> None:
        self._scheduled = False
        while self._waiting and self._in_flight < self._may_fly:
            self._in_flight += 1
            task = asyncio.get_running_loop().create_task(self._call(self._next_batch()))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _next_batch(self) -> list[tuple[Item, "asyncio.Future[Answer]"]]:
        batch = [self._waiting.popleft()]
        jobs, size = self._weigh(batch[0][0])
        while self._waiting:
            more_jobs, more_bytes = self._weigh(self._waiting[0][0])
            jobs, size = jobs + more_jobs, size + more_bytes
            if jobs > limits.SCRIPT_JOBS or size > limits.SCRIPT_BYTES:
                break
            batch.append(self._waiting.popleft())
        self._seen(len(batch))
        return batch

    async def _call(self, batch: list[tuple[Item, "asyncio.Future[Answer]"]]) -> None:
        try:
            answers = await self._run([item for item, _ in batch])
        except BaseException as error:
            for _, future in batch:
                _fail(future, error)
            if not isinstance(error, Exception):
                raise
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                if not future.done():
                    future.set_result(answer)
        finally:
            self._in_flight -= 1
            self._send()


def _fail(future: "asyncio.Future[Answer]", error: BaseException) -> None:
    if future.done():
        return
    if isinstance(error, asyncio.CancelledError):
        future.cancel()
        return
    # every waiter raises its own: a shared exception would grow one traceback from all of them
    copy = (
        type(error)(error.code, error.detail, retry_after_ms=error.retry_after_ms)
        if isinstance(error, StoreFault)
        else error
    )
    copy.__cause__ = error.__cause__
    future.set_exception(copy)
