"""The reply to a batch whose producer wants no more than receipts: ids, and what became of jobs that went otherwise."""

from collections import Counter
from collections.abc import Sequence

from msgspec import UNSET

from headrace_server.api import after
from headrace_server.api.call import Call
from headrace_server.api.jobs import document
from headrace_server.api.problems import Problem, invalid, of_store
from headrace_server.api.replies import BatchResult, ReceiptsDocument
from headrace_server.api.verdicts import Invalid
from headrace_server.domain.alike import Alike
from headrace_server.domain.errors import StoreFault
from headrace_server.domain.ids import format_id, format_joined
from headrace_server.domain.jobs import Receipt
from headrace_server.domain.lifecycle import State
from headrace_server.domain.requests import Enqueued

Fate = after.Found | Enqueued | StoreFault | Invalid


def of_new(jobs: Alike, state: State) -> ReceiptsDocument:
    """Return the ids of jobs that are all new and all in this state."""
    return ReceiptsDocument(format_joined(jobs.ids), state, [])


def of(call: Call, fates: Sequence[Fate]) -> ReceiptsDocument:
    """Return the ids of all jobs, the state that most of the new ones have, and a result for each other job."""
    states = [_new_state(fate) for fate in fates]
    counts = Counter(state for state in states if state is not None)
    state = counts.most_common(1)[0][0] if counts else State.READY
    return ReceiptsDocument(
        ids=[_id_of(fate) for fate in fates],
        state=state,
        results=[result(call, index, fate) for index, fate in enumerate(fates) if states[index] is not state],
    )


def result(call: Call, index: int, fate: Fate) -> BatchResult:
    """Return what is told of the job at `index`; where there are results of some jobs only, the index is, too."""
    place = index if call.minimal else UNSET
    if isinstance(fate, after.Found):
        return BatchResult(status=201 if fate.is_new else 200, job=document(call, fate), index=place)
    problem = _problem(index, fate)
    return BatchResult(status=problem.status, problem=problem.document(), index=place)


def _problem(index: int, fate: Enqueued | StoreFault | Invalid) -> Problem:
    if isinstance(fate, Invalid):
        return invalid(fate.faults)
    if isinstance(fate, StoreFault):
        return of_store(fate)
    return after.refused(fate, [f"/jobs/{index}"])


def _new_state(fate: Fate) -> State | None:
    """Return the state of a job that this request has made, and None for any other."""
    return fate.job.state if isinstance(fate, after.Found) and isinstance(fate.job, Receipt) and fate.is_new else None


def _id_of(fate: Fate) -> str:
    if not isinstance(fate, after.Found):
        return ""
    return format_id(fate.job if isinstance(fate.job, bytes) else fate.job.id)
