"""What producers are told of their jobs, who mostly want to know no more than that they are there."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from headrace.errors import ProblemError
from headrace.words import State


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What a producer is told of a job that it put into a queue: enough to find it again."""

    id: str
    state: State  # READY or SCHEDULED, as it was made; that of the other job where it is `deduplicated`
    deduplicated: bool = False  # it was there before: the same Idempotency-Key or unique key made it
    replaced: bool = False  # it was there before, and took over payload and options


@dataclass(frozen=True, kw_only=True)
class Part:
    """The answer to one request."""

    ids: tuple[str, ...]  # in the order of the jobs; empty text: there is no such job
    state: State  # of all jobs that `others` does not have; this request made them
    others: Mapping[int, Receipt | ProblemError]  # by their index: what else there is to tell

    def items(self) -> list[Receipt | ProblemError]:
        """Return for each job, in order, its receipt or the error that kept it out."""
        return [self.others.get(index) or Receipt(id=id, state=self.state) for index, id in enumerate(self.ids)]


@dataclass(frozen=True)
class Batch:
    """The answer to many jobs.

    Receipts are made when somebody asks for them: they take longer than everything else that a producer does with the
    answer, and who sends thousands of jobs seldom looks at each.
    """

    parts: tuple[Part, ...]  # one for each request, in the order of the jobs

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The ids of the jobs, in order; an empty text for a job that was kept out."""
        return tuple(chain.from_iterable(part.ids for part in self.parts))

    @cached_property
    def items(self) -> tuple[Receipt | ProblemError, ...]:
        """For each job, in order, its receipt or the error that kept it out."""
        return tuple(chain.from_iterable(part.items() for part in self.parts))

    @property
    def errors(self) -> tuple[ProblemError, ...]:
        """The errors that kept jobs out, in the order of the jobs."""
        others = chain.from_iterable(sorted(part.others.items()) for part in self.parts)
        return tuple(other for _, other in others if isinstance(other, ProblemError))

    @property
    def jobs(self) -> tuple[Receipt, ...]:
        """The receipts of all jobs; raises the first error if there is one (never after an atomic batch)."""
        if errors := self.errors:
            raise errors[0]
        return tuple(item for item in self.items if isinstance(item, Receipt))
