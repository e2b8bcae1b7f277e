"""Random numbers for ids, asked of the kernel many at a time; it must not know what they are for."""

import secrets
import struct
from typing import Final

_AT_ONCE: Final = 64  # a call of the kernel costs about as much as making the id


class Chance:
    """Numbers of 64 random bits, each given out once; of one process that does not fork."""

    def __init__(self) -> None:
        self._left: list[int] = []

    def draw(self) -> int:
        """Return one."""
        if not self._left:
            self._left = list(self.draws(_AT_ONCE))
        return self._left.pop()

    def draws(self, count: int) -> tuple[int, ...]:
        """Return so many."""
        return struct.unpack(f"{count}Q", secrets.token_bytes(8 * count))
