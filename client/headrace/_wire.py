"""The HTTP contract, as seen by a client: requests as values, replies into values or errors; no I/O, no clock.

`_verbs.py` says what each verb sends and reads; here is what they all have in common.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

from headrace._codec import Codec, codec_of
from headrace._read import Document, read
from headrace._steps import Loss, NoReply, Outcome, Reply, Request
from headrace.errors import (
    ConnectionFailed,
    HeadraceError,
    OutcomeUnknown,
    Problem,
    TimedOut,
    error_for,
    no_reply,
)

R = TypeVar("R")

MAX_WAIT_S: Final = 30  # longest poll a server grants
_DETAIL_CHARS: Final = 300  # of a body that is no problem document: enough to recognize a proxy's page


@dataclass(frozen=True, kw_only=True)
class Call(Generic[R]):
    """One request and the way to read its reply."""

    request: Request
    read: Callable[[Reply], R]
    repeatable: bool  # a second execution does no harm: it only reads, or carries a key or a lease token
    wait_s: float = 0.0  # how long the server may keep the request open


@dataclass(frozen=True)
class Dialect:
    """How a client writes its bodies and wants the replies written."""

    codec: Codec

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, object] | None = None,
        wait_s: int = 0,
        minimal: bool = False,
        key: str | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Request:
        """Return a request; `key` is its Idempotency-Key, `wait_s` how long the server may wait, None leaves out.

        `minimal`: the answer need only say what its reader cannot know (RFC 7240, `return=minimal`).
        Raises NotWritable (a TypeError) where `body` holds what the format cannot write.
        """
        headers = {"Accept": self.codec.media_type, **(more or {})}
        content = None
        if body is not None:
            content = self.codec.encode(body)
            headers["Content-Type"] = self.codec.media_type
        wishes = [*([f"wait={wait_s}"] if wait_s else ()), *(["return=minimal"] if minimal else ())]
        if wishes:
            headers["Prefer"] = ", ".join(wishes)
        if key is not None:
            headers["Idempotency-Key"] = key
        query = {name: str(value) for name, value in (params or {}).items() if value is not None}
        return Request(method=method, path=path, params=query, headers=headers, content=content)


def read_outcome(call: Call[R], outcome: Outcome) -> R:
    """Return what the call asked for. Raises the error that the outcome stands for."""
    if isinstance(outcome, NoReply):
        raise _lost(outcome)
    if outcome.status >= 300:
        raise error_for(_problem(outcome))
    try:
        return call.read(outcome)
    except HeadraceError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        detail = (
            f"The reply {outcome.status} cannot be read ({type(error).__name__}: {error}); is this a Headrace server?"
        )
        raise OutcomeUnknown(_status_problem("bad_reply", detail, outcome)) from error


def document_of(reply: Reply) -> Document:
    """Return the object in a reply's body. Raises ValueError or TypeError for anything else."""
    media_type = reply.headers.get("content-type", "")
    codec = codec_of(media_type)
    if codec is None:
        raise ValueError(f"content type {media_type!r}")
    document = codec.decode(reply.content)
    if not isinstance(document, Mapping):
        raise TypeError(f"an object was expected, not {type(document).__name__}")
    return document


def path(*parts: str) -> str:
    """Return the path of something by its name; whatever the name holds, it cannot leave its place."""
    return "/v1/" + "/".join(quote(part, safe="") for part in parts)


def is_replay(reply: Reply) -> bool:
    """Return whether the server answered from an earlier request with the same key."""
    return reply.headers.get("idempotency-replayed", "").lower() == "true"


def _lost(outcome: NoReply) -> HeadraceError:
    match outcome.loss:
        case Loss.NOT_SENT:
            return ConnectionFailed(no_reply("connection_failed", outcome.detail, outcome="not_done"))
        case Loss.SLOW:
            return TimedOut(no_reply("timed_out", outcome.detail, outcome="unknown"))
        case Loss.CUT:
            return OutcomeUnknown(no_reply("reply_lost", outcome.detail, outcome="unknown"))


def _problem(reply: Reply) -> Problem:
    try:
        problem = read(Problem, {"code": "", "detail": "", **document_of(reply), "status": reply.status})
    except (TypeError, ValueError, KeyError):
        return _foreign(reply)
    if not problem.code:
        return _foreign(reply)
    return problem if problem.retry_after_ms is not None else _with_retry_after(problem, reply)


def _with_retry_after(problem: Problem, reply: Reply) -> Problem:
    seconds = reply.headers.get("retry-after", "")
    if not seconds.isdecimal():
        return problem
    return Problem(**{**vars(problem), "retry_after_ms": int(seconds) * 1000})


def _foreign(reply: Reply) -> Problem:
    """Return a problem for a refusal that no Headrace server wrote: a proxy's page, another server."""
    page = " ".join(reply.content[:_DETAIL_CHARS].decode("utf-8", "replace").split())
    detail = f"The answer {reply.status} is no Headrace reply; is HEADRACE_URL right? It begins: {page or '(empty)'}"
    return _with_retry_after(_status_problem(f"http_{reply.status}", detail, reply), reply)


def _status_problem(code: str, detail: str, reply: Reply) -> Problem:
    return Problem(code=code, detail=detail, status=reply.status, request_id=reply.headers.get("x-request-id"))
