"""POST /v1/jobs/wait: the end of many jobs, in one request."""

from msgspec import UNSET

from headrace_server.api import parse, render, shapes
from headrace_server.api.call import Call, Reply, applied
from headrace_server.api.replies import GoneDocument, JobDocument, WaitDocument
from headrace_server.domain.ids import parse_id
from headrace_server.domain.requests import WaitAsk, WaitedJob


async def wait_jobs(call: Call) -> Reply:
    """POST /v1/jobs/wait: answered as soon as all or any of the jobs have ended, else when the wait is over."""
    given = parse.body(shapes.WaitInput, await call.body(), call.reading)
    ids = [job_id for job_id in map(parse_id, given.ids) if job_id is not None]  # the pattern lets no other through
    asked_ms = call.wait_ms()  # a faulty `wait` is refused, also where the body says it better
    preferred_ms = asked_ms if given.wait_ms is UNSET else None
    wait_ms = preferred_ms if given.wait_ms is UNSET else given.wait_ms
    ask = WaitAsk(ids=ids, any_of=given.mode is shapes.WaitMode.ANY, summary=given.summary)
    waited = await call.unless_gone(call.engine.wait_jobs(ask, wait_ms=wait_ms or 0))
    document = WaitDocument(
        jobs=[_document(call, *pair) for pair in zip(given.ids, waited.jobs, strict=True)],
        done=waited.done,
        server_time=render.instant(await call.engine.now_ms()),
    )
    return Reply(document=document, headers=applied(preferred_ms))


def _document(call: Call, job_id: str, waited: WaitedJob) -> JobDocument | GoneDocument:
    if waited.job is None:
        return GoneDocument(job_id)
    return render.abridged(waited.job) if waited.abridged else render.job(waited.job, call.reply_format)
