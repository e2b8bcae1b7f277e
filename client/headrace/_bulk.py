"""The verbs of those who want much work done: many jobs with one call."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, Final, Unpack

from headrace._codec import NotWritable
from headrace._exchange import Exchange
from headrace._portions import SHARED, alike_body, all_refused, is_shared, jobs_body, moved, moved_part, read_part
from headrace._publish import Sending, published
from headrace._steps import Request, Steps, together
from headrace._wire import Call
from headrace._write import fresh_key
from headrace.errors import Invalid, OutcomeUnknown, ProblemError
from headrace.models import JobOptions, NewJob
from headrace.receipts import Batch, Part

_MOST: Final = 1000  # jobs of a request: the server's limit; several smaller ones would not be done sooner
_MOST_BYTES: Final = 4 * 2**20  # of its body: half of what a server takes
_AT_ONCE: Final = 2  # requests: one is written while the other is worked on
_MOST_KEY_CHARS: Final = 240  # of a call of several requests: the server takes 255, and their places need the rest


class Bulk(Exchange):
    """The verbs of producers that have many jobs."""

    def enqueue_batch(
        self,
        jobs: Sequence[NewJob],
        *,
        atomic: bool = True,
        idempotency_key: str | None = None,
        trace: Mapping[str, str] | None = None,
    ) -> Steps[Batch]:
        """Put many jobs into queues with one request, at most 1000.

        `atomic` (at most 100 jobs, one group of queues; a job with limits, fairness, ordering, tags or a unique key
        counts two): all or none, and the first fault raises Invalid with pointers like `/jobs/17/priority`. Otherwise
        each job stands for itself: look at `Batch.items`. The key belongs to the batch; where jobs bring keys of their
        own, none is made for the batch. Returns the receipts of the jobs, which hold less than `enqueue` returns.
        Raises what `enqueue` raises.
        """
        own_keys = [job.idempotency_key for job in jobs if job.idempotency_key is not None]
        key = idempotency_key or (None if own_keys else fresh_key())
        body = {**jobs_body(jobs, self._dialect.codec), "atomic": atomic}
        repeatable = key is not None or len(own_keys) == len(jobs)
        task = jobs[0].task if jobs else "batch"
        with published(Sending(task=task, queues=[job.queue for job in jobs], count=len(jobs)), trace) as sent:
            request = self._batch(body, key, sent.headers)
            call = Call(request=request, read=partial(read_part, count=len(jobs)), repeatable=repeatable)
            try:
                return Batch(((yield from self._call(call)),))
            except Invalid as error:
                if not is_shared(error):
                    raise
                if atomic:
                    raise moved(error, SHARED, "/jobs/0") from None
                return Batch((all_refused(len(jobs), error),))

    def enqueue_payloads(
        self,
        task: str,
        payloads: Iterable[Any],
        *,
        atomic: bool = False,
        idempotency_key: str | None = None,
        trace: Mapping[str, str] | None = None,
        **options: Unpack[JobOptions],
    ) -> Steps[Batch]:
        """Put a job of one task into a queue for each payload, however many they are.

        `payloads` are values or Raws, as `enqueue` takes them, in any iterable: they are asked for as they are sent.
        The options, described at `NewJob`, are those of every job. Each job stands for itself: look at `Batch.items`;
        with `atomic` (at most 100) it is all or none, as in `enqueue_batch`.
        More than 1000 payloads go in several requests, of which two are on their way at a time, so that jobs of
        different requests may be leased in another order; those with an `ordering_key` go one request after the other.
        A call that fails in the middle raises the error of the first request that failed. A note on it says which
        payloads are done, and with which `idempotency_key` the same call does the rest.
        Raises what `enqueue` raises, and ValueError for an `idempotency_key` of more than 240 characters: of each
        request but the first the key has the place of its first payload behind it. With `atomic` it may have 255.
        """
        if not atomic and idempotency_key is not None:
            _check_key(idempotency_key)
        model = NewJob(task=task, **options)
        count = len(payloads) if isinstance(payloads, Sized) else None
        with published(Sending(task=task, queues=[model.queue], count=count), trace) as sent:
            order = _Order(model, atomic, idempotency_key or fresh_key(), sent.headers)
            yield from together(self._calls(order, payloads), 1 if model.ordering_key else _AT_ONCE)
            return order.batch()

    def _calls(self, order: "_Order", payloads: Iterable[Any]) -> Iterator[Steps[None]]:
        """Yield the calls that send the payloads, until one has failed."""
        try:
            for portion, request in self._requests(order, payloads):
                yield self._carry(order, portion, request)
                if order.failed:
                    return
        except Exception as error:  # noqa: BLE001 - whatever it is, what is on its way comes to its end first
            order.broken = error

    def _requests(self, order: "_Order", payloads: Iterable[Any]) -> Iterator[tuple[range, Request]]:
        rest, start = iter(payloads), 0
        while some := list(islice(rest, None if order.atomic else _MOST)):
            yield from self._divided(order, start, some)
            start += len(some)

    def _divided(self, order: "_Order", start: int, payloads: Sequence[Any]) -> Iterator[tuple[range, Request]]:
        """Yield the request for some payloads, or several where that one would be too large."""
        request = self._request(order, start, payloads)
        if order.atomic or len(payloads) == 1 or len(request.content or b"") <= _MOST_BYTES:
            yield range(start, start + len(payloads)), request
            return
        half = len(payloads) // 2
        yield from self._divided(order, start, payloads[:half])
        yield from self._divided(order, start + half, payloads[half:])

    def _request(self, order: "_Order", start: int, payloads: Sequence[Any]) -> Request:
        body = {**alike_body(order.model, payloads, self._dialect.codec), "atomic": order.atomic}
        key = f"{order.key}#{start}" if start else order.key
        try:
            return self._batch(body, key, order.headers)
        except NotWritable as error:
            _, index, name, *rest = error.path
            error.path = ("payloads", start + int(index), *rest) if name == "payload" else (name, *rest)
            raise

    def _batch(self, body: Mapping[str, Any], key: str | None, headers: Mapping[str, str]) -> Request:
        """Return the request; what cannot be written is named as a job's, also where all jobs ask for it."""
        try:
            return self._dialect.request("POST", "/v1/jobs/batch", body=body, key=key, minimal=True, more=headers)
        except NotWritable as error:
            head, *rest = error.path
            error.path = ("jobs", 0, *rest) if head == "defaults" else error.path
            raise

    def _carry(self, order: "_Order", portion: range, request: Request) -> Steps[None]:
        call = Call(request=request, read=partial(read_part, count=len(portion)), repeatable=True)
        try:
            order.done[portion] = moved_part((yield from self._call(call)), portion.start)
        except ProblemError as error:
            order.failed[portion] = moved(error, SHARED, "") if is_shared(error) else error


@dataclass
class _Order:
    """What is asked for many payloads, and what has come of it."""

    model: NewJob
    atomic: bool
    key: str
    headers: Mapping[str, str]
    done: dict[range, Part] = field(default_factory=dict)  # by the payloads of a request
    failed: dict[range, ProblemError] = field(default_factory=dict)
    broken: Exception | None = None  # no request could be made of the next ones

    def batch(self) -> Batch:
        """Return what came of all payloads. Raises the first error, with a note about the others."""
        if not self.failed and self.broken is None:
            return Batch(tuple(self.done[portion] for portion in _in_order(self.done)))
        unknown = [portion for portion, error in self.failed.items() if isinstance(error, OutcomeUnknown)]
        error = self.failed[_in_order(self.failed)[0]] if self.failed else self.broken
        assert error is not None
        if self.done or len(unknown) > 1:
            error.add_note(self._note(unknown))
        raise error

    def _note(self, unknown: Iterable[range]) -> str:
        """Say which payloads are done: they may have been refused, too, but not for what went wrong here."""
        told = [
            f"{words}: {', '.join(f'{portion.start}-{portion.stop - 1}' for portion in _in_order(portions))}"
            for words, portions in (("payloads done", self.done), ("not known", unknown))
            if portions
        ]
        return f"{'; '.join(told)}; the same call with idempotency_key={self.key!r} does the rest, and nothing twice"


def _check_key(key: str) -> None:
    """Raise ValueError for a key that is too long for some request, before the others have made jobs."""
    if len(key) > _MOST_KEY_CHARS:
        raise ValueError(
            f"idempotency_key: shorten it to {_MOST_KEY_CHARS} characters, it has {len(key)}; "
            "requests after the first put the place of their first payload behind it, as in '#1000'"
        )


def _in_order(portions: Iterable[range]) -> list[range]:
    return sorted(portions, key=lambda portion: portion.start)
