"""What producers are told of their jobs, who mostly want to know no more than that they are there."""

from dataclasses import dataclass

from headrace.errors import ProblemError
from headrace.words import State


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What a producer is told of a job that it put into a queue: enough to find it again."""

    id: str
    state: State  # READY or SCHEDULED, as it was made; that of the other job where it is `deduplicated`
    deduplicated: bool = False  # it was there before: the same Idempotency-Key or unique key made it
    replaced: bool = False  # it was there before, and took over payload and options


@dataclass(frozen=True)
class Batch:
    """The answer to a batch: for each job, in order, its receipt or the error that kept it out."""

    items: tuple[Receipt | ProblemError, ...]

    @property
    def jobs(self) -> tuple[Receipt, ...]:
        """The receipts of all jobs; raises the first error if there is one (never after an atomic batch)."""
        for item in self.items:
            if isinstance(item, ProblemError):
                raise item
        return tuple(item for item in self.items if isinstance(item, Receipt))
