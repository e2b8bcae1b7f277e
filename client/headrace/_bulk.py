"""The verbs of those who want much work done: many jobs with one call."""

from collections.abc import Mapping, Sequence
from functools import partial

from headrace._exchange import Exchange
from headrace._portions import all_refused, blamed_on, is_shared, jobs_body, read_part
from headrace._publish import Sending, published
from headrace._steps import Steps
from headrace._wire import Call
from headrace._write import fresh_key
from headrace.errors import Invalid
from headrace.models import NewJob
from headrace.receipts import Batch


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
            request = self._dialect.request(
                "POST", "/v1/jobs/batch", body=body, key=key, minimal=True, more=sent.headers
            )
            call = Call(request=request, read=partial(read_part, count=len(jobs)), repeatable=repeatable)
            try:
                return Batch(((yield from self._call(call)),))
            except Invalid as error:
                if not is_shared(error):
                    raise
                if atomic:
                    raise blamed_on(0, error) from None
                return Batch((all_refused(len(jobs), error),))
