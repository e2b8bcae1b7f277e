"""The oracle's bulk operations: one action for all jobs of a filter that were there when it was asked for."""

from dataclasses import dataclass, field
from itertools import count

from headrace_server.domain.lifecycle import State
from headrace_server.domain.operations import ACTS_ON, Action, OperationAsk, OperationState, OperationView
from headrace_server.domain.requests import (
    CancelAsk,
    CancelStatus,
    DeleteStatus,
    Patch,
    PatchStatus,
    Redrive,
    RedriveStatus,
)

from tests.model.finding import matches
from tests.model.operating import Operating
from tests.model.records import Record
from tests.model.world import World


@dataclass
class Operation:
    """One bulk operation."""

    id: bytes
    ask: OperationAsk
    created_at_ms: int
    touched: int  # jobs that change later are not meant
    state: OperationState = OperationState.RUNNING
    finished_at_ms: int | None = None
    matched: list[bytes] = field(default_factory=list)
    done: int = 0


class Bulk:
    """Operations without a rate: each is done by the next tick."""

    def __init__(self, world: World, operating: Operating) -> None:
        self._world, self._operating = world, operating
        self._operations: dict[bytes, Operation] = {}
        self._numbers = count(1)

    def operate(self, ask: OperationAsk) -> OperationView:
        """Begin an operation."""
        now, number = self._world.begin(), next(self._numbers).to_bytes(16, "big")
        operation = Operation(number, ask, now, self._world.last_change())
        self._operations[number] = operation
        return self._view(operation)

    def operation(self, operation_id: bytes) -> OperationView | None:
        """Return how far an operation is."""
        operation = self._operations.get(operation_id)
        return None if operation is None else self._view(operation)

    def stop_operation(self, operation_id: bytes) -> OperationView | None:
        """Let a running operation go no further."""
        now, operation = self._world.begin(), self._operations.get(operation_id)
        if operation is not None and operation.state is OperationState.RUNNING:
            operation.state, operation.finished_at_ms = OperationState.CANCELLED, now
        return None if operation is None else self._view(operation)

    def work_off(self, now: int) -> None:
        """Do what is asked for."""
        for operation in self._operations.values():
            if operation.state is not OperationState.RUNNING:
                continue
            meant = [r for r in self._world.jobs.values() if self._means(operation, r)]
            if operation.ask.filter.tag is None:  # else they are found in the order of their enqueue
                meant.sort(key=_lie)
            operation.matched = [record.new.id for record in meant]
            if not operation.ask.dry_run:
                operation.done = sum(self._act(operation.ask, record) for record in meant)
            operation.state, operation.finished_at_ms = OperationState.DONE, now

    def _means(self, operation: Operation, record: Record) -> bool:
        acts = record.state in ACTS_ON[operation.ask.action]
        return acts and record.touched <= operation.touched and matches(record, operation.ask.filter)

    def _act(self, ask: OperationAsk, record: Record) -> bool:
        job_id, to = record.new.id, ask.target_queue
        match ask.action:
            case Action.RETRY:
                (redriven,) = self._operating.redrive([Redrive(job_id=job_id, queue=to)])
                return redriven.status is RedriveStatus.READY
            case Action.CANCEL:
                (cancelled,) = self._operating.cancel([CancelAsk(job_id=job_id, reason="")])
                return cancelled.status in (CancelStatus.CANCELLED, CancelStatus.REQUESTED)
            case Action.DELETE:
                (deleted,) = self._operating.delete([job_id])
                return deleted.status is DeleteStatus.DELETED
            case Action.MOVE:
                if record.new.queue == to:
                    return False
                (patched,) = self._operating.patch([Patch(job_id=job_id, queue=to)])
                return patched.status is PatchStatus.PATCHED
            case Action.PURGE:
                self._world.remove(record)
                return True

    def _view(self, operation: Operation) -> OperationView:
        matched = len(operation.matched)
        skipped = 0 if operation.ask.dry_run else matched - operation.done
        return OperationView(
            id=operation.id,
            ask=operation.ask,
            state=operation.state,
            scanned=0,  # how the jobs were found is no rule
            matched=matched,
            done=operation.done,
            skipped=skipped,
            sample=[],
            created_at_ms=operation.created_at_ms,
            finished_at_ms=operation.finished_at_ms,
            now_ms=self._world.now_ms(),
        )


def _lie(record: Record) -> tuple[str, str, tuple[int, ...], bytes]:
    """Return what jobs are found by: queue after queue and state after state, in the order in which they lie there."""
    score = record.place if record.state is State.READY else (record.prune_at_ms or record.due_ms or 0,)
    return record.new.queue, record.state, score, record.new.id
