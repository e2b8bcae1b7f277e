"""Bulk operations: one action for all jobs of a filter, worked off in the background."""

from headrace_server.api import asks, parse, shapes, views
from headrace_server.api.call import Call, Reply
from headrace_server.api.problems import Problem
from headrace_server.api.reports import OperationsDocument
from headrace_server.domain.ids import format_id, parse_id
from headrace_server.domain.operations import OperationState, OperationView


async def start_operation(call: Call) -> Reply:
    """POST /v1/operations: begin one; it means the jobs that are there now."""
    given = parse.body(shapes.OperationInput, await call.body(), call.reading)
    return started(await call.engine.operate(asks.operation(given)))


async def list_operations(call: Call) -> Reply:
    """GET /v1/operations: the newest first."""
    found = await call.engine.operations()
    return Reply(document=OperationsDocument(operations=[views.operation(view) for view in found]))


async def get_operation(call: Call) -> Reply:
    """GET /v1/operations/{id}: how far it is."""
    return Reply(document=views.operation(_known(await call.engine.operation(_id(call)))))


async def cancel_operation(call: Call) -> Reply:
    """POST /v1/operations/{id}/cancel: stop it; what it has done stays done."""
    view = _known(await call.engine.stop_operation(_id(call)))
    if view.state is OperationState.DONE:
        raise Problem("operation_ended")
    return Reply(document=views.operation(view))


def started(view: OperationView) -> Reply:
    """Return the reply to a request that began an operation."""
    location = f"/v1/operations/{format_id(view.id)}".encode()
    return Reply(status=202, document=views.operation(view), headers=[(b"location", location)])


def _id(call: Call) -> bytes:
    operation_id = parse_id(call.params["id"])
    if operation_id is None:
        raise Problem("no_such_operation")
    return operation_id


def _known(view: OperationView | None) -> OperationView:
    if view is None:
        raise Problem("no_such_operation")
    return view
