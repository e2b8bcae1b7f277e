"""One line in the log for each delivery that is over: what became of the job, by the server's own verdict."""

import logging
from typing import Final

from headrace.leases import Completion, Nack

from headrace_worker import log
from headrace_worker.held import HeldJob
from headrace_worker.tally import End

# What nobody has to look at is info; what did no harm to the job, and is no news, is debug.
_SAID: Final[dict[End, tuple[int, str]]] = {
    End.SUCCEEDED: (logging.INFO, "job succeeded"),
    End.RETRIED: (logging.WARNING, "job failed, will be retried"),
    End.FAILED: (logging.ERROR, "job dead"),
    End.RETURNED: (logging.DEBUG, "job given back"),
    End.CANCELLED: (logging.INFO, "job cancelled"),
    End.LOST: (logging.WARNING, "job was lost, what it did does not count"),
}


def tell(held: HeldJob, completion: Completion, end: End) -> None:
    """Log it: never payload, result or message of an error, which may hold anything."""
    level, event = _SAID[end]
    if not log.LOGGER.isEnabledFor(level):
        return
    job = held.job
    log.line(
        level,
        event,
        job=job.id,
        task=job.task,
        queue=job.queue,
        attempt=job.attempt,
        took_ms=held.took_ms,
        error=completion.error.type if isinstance(completion, Nack) else None,
        trace=log.trace_id(job.trace),
    )
