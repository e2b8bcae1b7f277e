"""The `rate_limit` of tasks: told to the server at the worker's start, which counts them over all workers.

A limit that is there as it should be is left alone, and so is what else somebody set on it: a hundred workers that
start at the same time must not undo what an operator does, nor fill each other's buckets anew.
"""

from collections.abc import Mapping

from headrace import HeadraceError, NotDone, OutcomeUnknown, Rate
from headrace.options import rate_of

from headrace_worker import log
from headrace_worker.hands import TaskFacts
from headrace_worker.line import Line
from headrace_worker.retrying import Retrying

KEY = "task:{}"


async def announce(line: Line, facts: Mapping[str, TaskFacts], retrying: Retrying) -> None:
    """Set the limits of all tasks that have one; return when the server has judged each, however long it is away."""
    for task, known in facts.items():
        if known.rate_limit is not None:
            await _announce(line, KEY.format(task), rate_of(known.rate_limit), retrying)


async def _announce(line: Line, name: str, rate: Rate, retrying: Retrying) -> None:
    while True:
        try:
            await _set(line, name, rate)
        except (NotDone, OutcomeUnknown) as error:
            retrying.failed(error)
            await retrying.pause()
        except HeadraceError as error:  # no permission, no room: jobs run all the same, as fast as they come
            log.error("the rate limit of a task could not be set", limit=name, why=str(error))
            retrying.worked()  # it has answered
            return
        else:
            retrying.worked()
            return


async def _set(line: Line, name: str, rate: Rate) -> None:
    now = await line.limit(name)
    if now.rate is None or _plain(now.rate) != _plain(rate):
        await line.set_limit(name, concurrency=now.concurrency, rate=rate)
        log.info("rate limit set", limit=name, count=rate.count, per_ms=rate.per_ms)


def _plain(rate: Rate) -> tuple[int, int, int]:
    return rate.count, rate.per_ms, rate.count if rate.burst is None else rate.burst
