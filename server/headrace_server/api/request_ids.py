"""X-Request-Id: what names a request in logs and problems; it must not know what is asked for."""

import secrets
from itertools import count
from typing import Final

MAX_CHARS: Final = 128


class RequestIds:
    """The ids that one process gives out: a random beginning, then a number.

    They are to be told apart, not to be guessed at; the kernel's random numbers for each would cost a call of it.
    """

    def __init__(self) -> None:
        self._beginning = secrets.token_hex(4)
        self._numbers = count(1)

    def new(self) -> str:
        """Return an id that no other request has."""
        return f"{self._beginning}{next(self._numbers):08x}"

    def passed_on(self, given: bytes | None) -> str | None:
        """Return the client's own id if it can be passed on."""
        if given and len(given) <= MAX_CHARS and given.isascii() and given.decode().isprintable():
            return given.decode()
        return None
