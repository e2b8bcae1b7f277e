"""A batch whose jobs have nothing of their own but payloads: brought to the engine without an object for each job.

Whatever is not such a batch, or has a fault, is none here: it goes the way of all others, which finds the words.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Final

from msgspec import UNSET

from headrace_server.api import build, parse, shapes
from headrace_server.api.call import Call
from headrace_server.api.payloads import any_fault
from headrace_server.domain.alike import Alike
from headrace_server.domain.limits import MAX_ATOMIC_JOBS

_all_but_payload: Final = attrgetter(*(name for name in shapes.JobFields.__struct_fields__ if name != "payload"))


def read(call: Call, data: bytes) -> tuple[Alike, bool] | None:
    """Return the jobs of such a batch, with ids, and whether it is atomic; None for another one."""
    given = parse.faultless(shapes.AlikeInput, data, call.reading)
    if given is None:
        return None
    common = shapes.JobFields()
    build.Below(given.defaults).lay(common)
    if common.unique is not UNSET or build.lacks(common):  # a unique key may be made of the payload
        return None
    if given.atomic and len(given.jobs) * build.weight(common) > MAX_ATOMIC_JOBS:
        return None
    template = build.new_job(common, b"", call.body_format, build.trace(call.headers))
    below = template.payload.data
    payloads = [below if item.payload is UNSET else bytes(item.payload) for item in given.jobs]
    if any_fault(payloads, call.body_format, call.services.limits.max_payload_bytes):
        return None
    return Alike(template, call.engine.new_ids_of(template.queue, len(payloads)), payloads), given.atomic


def of(call: Call, jobs: Sequence[shapes.JobFields]) -> Alike | None:
    """Return checked jobs that turn out to be alike, though each said all of it itself; None for others."""
    common = _all_but_payload(jobs[0]) if len(jobs) > 1 else ()
    if not common or any(getattr(jobs[0], name) is not UNSET for name in ("unique", "payload_raw", "idempotency_key")):
        return None
    if not all(_all_but_payload(job) == common for job in jobs):
        return None
    template = build.new_job(jobs[0], b"", call.body_format, build.trace(call.headers))
    payloads = [build.payload(job, call.body_format).data for job in jobs]
    return Alike(template, call.engine.new_ids_of(template.queue, len(payloads)), payloads)
