"""Find jobs and look into one: lists, attempts, explanations."""

from urllib.parse import urlencode

from headrace_server.api import asks, explain, render, shapes, views
from headrace_server.api.build import or_none
from headrace_server.api.call import Call, Reply
from headrace_server.api.jobs import job_id_of
from headrace_server.api.problems import Problem
from headrace_server.api.query import parse_query
from headrace_server.api.reports import PageDocument


async def list_jobs(call: Call) -> Reply:
    """GET /v1/jobs: a page of the jobs of a filter; a short or empty one is the last only without a cursor."""
    given = parse_query(shapes.ListQuery, call)
    page = await call.engine.list_jobs(asks.listing(given), cursor=or_none(given.cursor), limit=given.limit)
    document = PageDocument(
        jobs=[render.summary(job) for job in page.jobs],
        scanned=page.scanned,
        server_time=render.instant(await call.engine.now_ms()),
    )
    if page.cursor is None:
        return Reply(document=document)
    document.cursor = page.cursor
    return Reply(document=document, headers=[next_page(call, "/v1/jobs", cursor=page.cursor)])


async def get_attempts(call: Call) -> Reply:
    """GET /v1/jobs/{id}/attempts: what came of each attempt."""
    job_id = job_id_of(call)
    found = await call.engine.attempts(job_id)
    if found is None:
        raise Problem("not_found", job_id=call.params["id"])
    return Reply(document=views.attempts(job_id, found, call.reply_format))


async def explain_job(call: Call) -> Reply:
    """GET /v1/jobs/{id}/explain: why the job is where it is, and what to do about it."""
    found = await call.engine.explain(job_id_of(call))
    if found is None:
        raise Problem("not_found", job_id=call.params["id"])
    return Reply(document=explain.explanation(found))


def next_page(call: Call, path: str, **place: str | int) -> tuple[bytes, bytes]:
    """Return the link (RFC 8288) to the page that follows: the same query at another place."""
    query = {name: values for name, values in call.queries().items() if name not in place}
    text = urlencode({**query, **{name: [str(value)] for name, value in place.items()}}, doseq=True)
    return b"link", f'<{path}?{text}>; rel="next"'.encode()
