"""Every error of the API in one table, code <-> status, and its RFC 9457 document; it must not know who raises what."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from headrace_server.domain.errors import StoreFault, Unknown
from headrace_server.domain.limits import MAX_FAULTS

PROBLEM_JSON: Final = b"application/problem+json"  # also for readers of msgpack: RFC 9457 knows no msgpack form


class Kind(msgspec.Struct, frozen=True):
    """One line of the error table."""

    status: int
    title: str
    remedy: str  # what the caller can do; shown on /problems/<code>
    outcome: str = "not_done"  # not_done: the request changed nothing; unknown: it may have
    retryable: bool = False  # the same request may succeed later


KINDS: Final[dict[str, Kind]] = {
    "malformed_body": Kind(
        400, "The body cannot be read", "Send one JSON (UTF-8, no NaN) or msgpack value, as Content-Type says."
    ),
    "malformed_request": Kind(400, "The request is not HTTP", "Check the request line and the headers."),
    "unauthorized": Kind(
        401, "A token is needed", "Send `Authorization: Bearer <token>` with one of the server's tokens."
    ),
    "forbidden_origin": Kind(
        403,
        "This origin may not call the API",
        "Call from a page of this server, or have the operator add the origin to HEADRACE_ALLOWED_ORIGINS.",
    ),
    "not_found": Kind(404, "No such job", "Check the id; finished jobs vanish after their retention."),
    "no_result": Kind(404, "The job has no result", "Nothing to do: its ack carried none, or its time is over."),
    "no_such_operation": Kind(404, "No such operation", "Check the id; ended operations vanish after a day."),
    "no_such_worker": Kind(404, "No such worker", "Check the id; lost workers vanish after a day, others at goodbye."),
    "no_such_schedule": Kind(404, "No such schedule", "Check the name; GET /v1/schedules lists all of them."),
    "no_such_webhook": Kind(404, "No such webhook", "Check the name; GET /v1/webhooks lists all of them."),
    "no_test_clock": Kind(
        404, "This server has everybody's clock", "Start one for tests: headrace server --test-clock."
    ),
    "no_such_route": Kind(404, "No such path", "See /docs for all paths."),
    "no_such_problem": Kind(404, "No such problem", "See /problems for all codes."),
    "method_not_allowed": Kind(405, "This path does not take this method", "Use a method that the Allow header names."),
    "not_acceptable": Kind(406, "No acceptable format", "Accept application/json or application/msgpack."),
    "request_timeout": Kind(
        408, "The request took too long to arrive", "Send the whole request in one go.", retryable=True
    ),
    "not_finished": Kind(409, "The job is not finished", "Wait for it: GET /v1/jobs/{id}?wait=30.", retryable=True),
    "job_failed": Kind(409, "The job ended without a result", "See its `state` and `error`."),
    "job_leased": Kind(
        409, "Somebody works on the job", "Wait until it is settled or its lease ends, or cancel it.", retryable=True
    ),
    "job_final": Kind(409, "The job is already finished", "Nothing to do: a finished job stays as it is."),
    "job_not_dead": Kind(409, "The job is not dead", "Nothing to do: only a dead job can be given another run."),
    "job_not_final": Kind(
        409, "The job has not ended", "Cancel it first, or wait for its end: GET /v1/jobs/{id}?wait=30.", retryable=True
    ),
    "lease_lost": Kind(
        409, "The lease is no longer yours", "Drop the work: the job was settled, or somebody else holds it."
    ),
    "job_cancelled": Kind(
        409, "The job was cancelled", "Drop the work: nothing that you say about it counts any more."
    ),
    "unique_conflict": Kind(
        409,
        "Another job has the unique key",
        "Use that job: `job_id` names it. Or try again once it gives the key free.",
    ),
    "queue_draining": Kind(
        409,
        "The queue takes no new jobs",
        "Use another queue, or have its operator resume it: POST /v1/queues/{queue}/resume.",
        retryable=True,
    ),
    "queue_not_empty": Kind(
        409,
        "The queue has jobs that have not ended",
        "Drain it and wait, or purge it: POST /v1/queues/{queue}/purge.",
        retryable=True,
    ),
    "worker_up": Kind(
        409,
        "The worker lives",
        "Stop it, POST /v1/workers/{id}/stop, or wait until it is lost.",
        retryable=True,
    ),
    "operation_ended": Kind(409, "The operation has ended", "Nothing to do: GET /v1/operations/{id} says what it did."),
    "too_many_schedules": Kind(
        409, "There are too many schedules", "Delete some; one job may also be told what to do by its payload."
    ),
    "too_many_webhooks": Kind(
        409, "There are too many webhooks", "Delete some; one may be told of several queues, tasks and states."
    ),
    "webhook_paused": Kind(409, "The webhook is paused", "Resume it: POST /v1/webhooks/{name}/resume.", retryable=True),
    "body_too_large": Kind(413, "The body is too large", "Send several smaller requests."),
    "payload_too_large": Kind(
        413, "A payload or result is too large", "Store the data elsewhere and send a reference to it."
    ),
    "unsupported_media_type": Kind(
        415, "The body's format is not known", "Send Content-Type: application/json or application/msgpack."
    ),
    "invalid_request": Kind(
        422, "The request has faults", "Mend what `errors` lists; each fault has a JSON pointer into the body."
    ),
    "invalid_cursor": Kind(
        422, "The cursor is not one of this list", "Begin again without a cursor; keep the filters while you read on."
    ),
    "idempotency_mismatch": Kind(
        422, "The Idempotency-Key was used for another request", "Take a new key for a new request."
    ),
    "other_group": Kind(
        422,
        "The queues lie in several groups",
        "Use queues that are equal up to the first dot; a batch of several groups needs `atomic: false`.",
    ),
    "already_expired": Kind(
        422, "`expires_at` is in the past", "Nothing was enqueued: check the clock or the deadline."
    ),
    "queue_full": Kind(
        429,
        "The queue is full",
        "Wait for Retry-After, then repeat; workers make room by finishing jobs.",
        retryable=True,
    ),
    "headers_too_large": Kind(431, "The headers are too large", "Send fewer or shorter headers."),
    "internal": Kind(
        500, "A fault of the server", "Report it with the request_id; it may have been executed.", outcome="unknown"
    ),
    "draining": Kind(503, "The server is shutting down", "Ask another server, or again in a moment.", retryable=True),
    "overloaded": Kind(503, "Too many requests at once", "Wait for Retry-After, then repeat.", retryable=True),
    "store_unreachable": Kind(503, "The store cannot be reached", "Wait for Retry-After, then repeat.", retryable=True),
    "store_full": Kind(
        503, "The store is out of memory", "Let workers finish jobs, or give the store more memory.", retryable=True
    ),
    "store_refused": Kind(503, "The store refused the call", "Wait for Retry-After, then repeat.", retryable=True),
    "wrong_node": Kind(503, "The store is not Headrace's", "Wait for Retry-After, then repeat.", retryable=True),
    "disk_low": Kind(503, "The disk is nearly full", "Free some space; leases and settles go on.", retryable=True),
    "store_timeout": Kind(
        504,
        "The store did not answer in time",
        "It may have been executed. Repeat with the same Idempotency-Key.",
        outcome="unknown",
        retryable=True,
    ),
    "not_replicated": Kind(
        504,
        "Too few copies confirmed the write",
        "It was executed, but is not as durable as promised. Repeat with the same Idempotency-Key.",
        outcome="unknown",
        retryable=True,
    ),
}
UNKNOWN_STATUS: Final = 504  # a fault whose outcome is unknown, whatever its code


class Fault(msgspec.Struct, frozen=True):
    """One fault of a body."""

    pointer: str  # RFC 6901, from the root of the request's body; "" is the body itself
    detail: str
    code: str = ""  # set when this fault alone is another problem than invalid_request


class Document(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A problem document (RFC 9457) with Headrace's extension members."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = ""
    code: str = ""
    outcome: str = ""
    retryable: bool | None = None
    retry_after_ms: int | None = None
    request_id: str = ""
    job_id: str = ""
    state: str = ""  # of the job, where it explains the refusal
    error: Any = None  # of the job: job_failed
    errors: list[dict[str, str]] = []


class Problem(Exception):
    """A refusal on its way to the client; the application turns it into a reply."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: Sequence[Fault] = (),
        job_id: str = "",
        state: str = "",
        error: Any = None,
        outcome: str | None = None,
        retry_after_ms: int | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(code, detail)
        kind = KINDS[code]
        self.code = code
        self.outcome = outcome or kind.outcome
        self.status = UNKNOWN_STATUS if self.outcome == "unknown" and kind.status == 503 else kind.status
        self.detail = detail or kind.remedy
        self.errors = errors
        self.job_id = job_id
        self.state = state
        self.error = error
        self.retry_after_ms = 1_000 if retry_after_ms is None and self.status in (429, 503) else retry_after_ms
        self.headers = headers

    def document(self, *, instance: str = "", request_id: str = "") -> Document:
        """Return what the client reads; `instance` is the path of the request."""
        kind = KINDS[self.code]
        return Document(
            type=f"/problems/{self.code}",
            title=kind.title,
            status=self.status,
            detail=self.detail,
            instance=instance,
            code=self.code,
            outcome=self.outcome,
            retryable=kind.retryable,
            retry_after_ms=self.retry_after_ms,
            request_id=request_id,
            job_id=self.job_id,
            state=self.state,
            error=self.error,
            errors=as_documents(self.errors),
        )


def as_documents(faults: Sequence[Fault]) -> list[dict[str, str]]:
    """Return faults as clients read them."""
    return [{"pointer": fault.pointer, "detail": fault.detail} for fault in faults]


def invalid(faults: Sequence[Fault], code: str = "invalid_request", *, job_id: str = "") -> Problem:
    """Return the problem for a body with faults: the faults' own code when they all share one."""
    codes = {fault.code or code for fault in faults}
    shared = codes.pop() if len(codes) == 1 else code
    first = faults[0]
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Problem(
        shared, f"{first.pointer or 'The body'} {first.detail}{more}", errors=faults[:MAX_FAULTS], job_id=job_id
    )


def of_store(fault: StoreFault) -> Problem:
    """Return the problem for a call to the store that did not end well."""
    unknown = isinstance(fault, Unknown)
    return Problem(
        fault.code.value,
        fault.detail,
        outcome=fault.outcome,
        retry_after_ms=None if unknown else fault.retry_after_ms,
    )
