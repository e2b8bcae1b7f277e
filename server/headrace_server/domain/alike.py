"""Jobs that differ in nothing but id and payload, without an object for each; it must not know what becomes of them."""

from collections.abc import Sequence
from typing import final, overload

import msgspec

from headrace_server.domain.ids import ID_BYTES
from headrace_server.domain.jobs import NewJob


@final
class Alike(Sequence[NewJob]):
    """New jobs of one queue, as a sequence: a job is made where somebody looks at it, a slice is of the same kind.

    For each single enqueue it is asked whether this is one, by its type: of an abstract class `isinstance` asks Python.
    """

    __slots__ = ("ids", "one", "payloads")

    def __init__(self, one: NewJob, ids: bytes, payloads: Sequence[bytes]) -> None:
        """Take a job like them, whose own id and bytes mean nothing, their ids (16 bytes each, joined) and payloads."""
        self.one = one
        self.ids = ids
        self.payloads = payloads

    def __len__(self) -> int:
        return len(self.payloads)

    @overload
    def __getitem__(self, index: int) -> NewJob: ...

    @overload
    def __getitem__(self, index: slice) -> "Alike": ...

    def __getitem__(self, index: int | slice) -> "NewJob | Alike":
        if isinstance(index, slice):
            start, stop, _ = index.indices(len(self))
            return Alike(self.one, self.ids[ID_BYTES * start : ID_BYTES * stop], self.payloads[start:stop])
        payload = self.payloads[index]
        at = ID_BYTES * (index % len(self))
        body = msgspec.structs.replace(self.one.payload, data=payload)
        return msgspec.structs.replace(self.one, id=self.ids[at : at + ID_BYTES], payload=body)
