"""One line on the terminal that says how far a long piece of work is; it must not know the work."""

import sys
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Final, Self, TypeVar

T = TypeVar("T")

_BAR: Final = 24  # cells
_LOOK_S: Final = 0.1  # between two drawings: faster than that nobody reads


class Progress:
    """A bar on stderr while somebody watches there, and nothing at all where nobody does."""

    def __init__(self, what: str, total: int | None = None, *, unit: str = "jobs") -> None:
        self._what = what
        self._total = total
        self._unit = unit
        self._done = 0
        self._began = time.monotonic()
        self._drawn = 0.0
        self._shown = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._write("")

    def add(self, n: int = 1) -> None:
        """Take in that some more is done."""
        self.reached(self._done + n)

    def reached(self, done: int, total: int | None = None) -> None:
        """Take in how much is done, and of how much."""
        self._done, self._total = done, self._total if total is None else total
        now = time.monotonic()
        if self._shown and now - self._drawn >= _LOOK_S:
            self._drawn = now
            self._write(self.line(now - self._began))

    def line(self, elapsed_s: float) -> str:
        """Return how far it is, in words and as a bar."""
        rate = self._done / elapsed_s if elapsed_s > 0 else 0.0
        if not self._total:
            return f"{self._what} {self._done:,} {self._unit}, {rate:,.0f}/s"
        share = min(1.0, self._done / self._total)
        cells = round(share * _BAR)
        bar = "#" * cells + "." * (_BAR - cells)
        left = f", {(self._total - self._done) / rate:,.0f} s left" if rate > 0 and share < 1 else ""
        return f"{self._what} [{bar}] {self._done:,}/{self._total:,} {self._unit}, {rate:,.0f}/s{left}"

    def over(self, items: Iterable[T]) -> Iterator[T]:
        """Yield some items, counting them."""
        for item in items:
            yield item
            self.add()

    def _write(self, text: str) -> None:
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()
