"""What an app says is periodic: told to the server at the worker's start, by the supervisor, which runs no user code.

What is there as it should be is left alone, so a hundred workers that start at the same time put it once. None of them
puts it again while it runs: of two versions side by side the one that started last has its way, and they do not fight.
"""

import json

from headrace import HeadraceError, NotDone, OutcomeUnknown, ScheduleChange

from headrace_worker import log
from headrace_worker.hands import Plan
from headrace_worker.line import Line
from headrace_worker.retrying import Retrying


async def announce(line: Line, plan: Plan, retrying: Retrying) -> None:
    """Let the server's schedules be those of a plan; return when it has judged each, however long it is away."""
    wanted = {name: json.loads(document) for name, document in plan.documents.items()}
    if plan.owner is None:
        log.warning("the app has no name, so what is taken out of its schedules stays on the server: App(name=...)")
    while True:
        try:
            changes = await line.apply_schedules(wanted, plan.owner)
        except (NotDone, OutcomeUnknown) as error:
            retrying.failed(error)
            await retrying.pause()
        except HeadraceError as error:  # no permission: jobs run all the same
            log.error("the schedules of the app could not be put", why=str(error))
            retrying.worked()  # it has answered
            return
        else:
            retrying.worked()
            for change in changes:
                _log(change)
            return


def _log(change: ScheduleChange) -> None:
    match change.change:
        case "unchanged":
            pass
        case "foreign" | "refused":
            log.error("the schedule could not be put", schedule=change.name, why=change.why)
        case _:
            log.info(f"schedule {change.change}", schedule=change.name, fields=",".join(change.fields) or None)
