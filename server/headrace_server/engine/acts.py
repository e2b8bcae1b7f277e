"""What operators do to single jobs of one shard: cancel, redrive, patch, delete; it must not know other shards."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from headrace_server.domain.requests import CancelAsk, Cancelled, Deleted, Patch, Patched, Redrive, Redriven
from headrace_server.engine import decode, encode
from headrace_server.engine.batcher import Batcher

Ask = TypeVar("Ask")
Answer = TypeVar("Answer")
MakeBatcher: TypeAlias = Callable[
    [Callable[[Sequence[Any]], Awaitable[Sequence[Any]]], Callable[[Any], tuple[int, int]]], Batcher[Any, Any]
]
Write: TypeAlias = Callable[[str, encode.Args], Awaitable[tuple[int, list[Any]]]]

_NAME_BYTES = 16  # of a call: nobody draws the same twice
_ITEM_BYTES = 512  # an id, a reason or a queue's name, numbers


class Acts:
    """One batcher for each verb; `write` runs a writing verb and returns the time and the answers.

    `make` makes the batchers, of a function that runs a batch and one that weighs an item.
    """

    def __init__(self, write: Write, make: MakeBatcher) -> None:
        self._write = write
        self._make = make
        self.cancel: Batcher[CancelAsk, Cancelled] = self._batcher("cancel", encode.cancel, decode.cancelled)
        self.redrive: Batcher[Redrive, Redriven] = self._batcher("redrive", encode.redrive, decode.redriven)
        self.patch: Batcher[Patch, Patched] = self._batcher("patch", encode.patch, decode.patched)
        self.delete: Batcher[bytes, Deleted] = self._batcher("delete", encode.delete, decode.deleted)

    def _batcher(
        self, verb: str, encode_item: Callable[[Ask], encode.Args], read: Callable[[Ask, bytes, int], Answer]
    ) -> Batcher[Ask, Answer]:
        async def run(asks: Sequence[Ask]) -> list[Answer]:
            # the name lets the store answer a repeated call, whose answer was lost, as it did at first
            args: encode.Args = [secrets.token_bytes(_NAME_BYTES), len(asks)]
            for ask in asks:
                args += encode_item(ask)
            now_ms, answers = await self._write(verb, args)
            return [read(ask, answer, now_ms) for ask, answer in zip(asks, answers, strict=True)]

        return self._make(run, lambda _: (1, _ITEM_BYTES))
