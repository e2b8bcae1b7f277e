"""A batch whose jobs have nothing of their own but payloads: read as what it is, without an object for each job.

Whatever is not such a batch, or has a fault, is none here: it goes the way of all others, which finds the words.
"""

from msgspec import UNSET

from headrace_server.api import build, parse, shapes
from headrace_server.api.call import Call
from headrace_server.api.payloads import any_fault
from headrace_server.domain.alike import Alike
from headrace_server.domain.limits import MAX_ATOMIC_JOBS


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
