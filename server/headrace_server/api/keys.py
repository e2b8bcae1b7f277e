"""Idempotency-Key: what makes a request repeatable, from the header or from a job's own field."""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from headrace_server.api import build, shapes
from headrace_server.api.call import Call
from headrace_server.api.problems import Fault, Problem, invalid
from headrace_server.domain.jobs import Format, IdempotencyKey
from headrace_server.domain.limits import MAX_KEY_CHARS

_KEY: Final = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY_CHARS}}}")
_TWICE: Final = "excludes the header Idempotency-Key: give one of the two"


def header(call: Call) -> str | None:
    """Return the request's Idempotency-Key, or None; raises Problem for one that cannot be used."""
    text = call.header(b"idempotency-key")
    if text is not None and not _KEY.fullmatch(text):
        raise Problem("invalid_request", f"Idempotency-Key must be 1 to {MAX_KEY_CHARS} visible ASCII characters.")
    return text


def of_body(data: bytes) -> bytes:
    """Return the digest of a body: made once for a request, whose thousand items each have a key."""
    return hashlib.blake2b(data, digest_size=16).digest()


def of_request(call: Call, text: str, queue: str, body_digest: bytes, *more: str) -> IdempotencyKey:
    """Return the key of a whole request to `queue`; `more` tells the items of one request apart."""
    fingerprint = [b"POST", call.path.encode(), call.body_format.value.encode(), body_digest]
    return build.key("request", queue, text, *more, fingerprint=fingerprint)


def of_job(fields: shapes.JobFields, format: Format) -> IdempotencyKey | None:
    """Return the key that a job document carries itself, or None; the same alone and inside a batch."""
    if not isinstance(fields.idempotency_key, str):
        return None
    return build.key(
        "job", build.queue_of(fields), fields.idempotency_key, fingerprint=build.job_fingerprint(fields, format)
    )


def require_one(text: str | None, jobs: Iterable[tuple[str, shapes.JobFields]]) -> None:
    """Raise Problem where a header and a job's own key are given at once; `jobs` come with their pointers."""
    if text is None:
        return
    twice = [pointer for pointer, fields in jobs if isinstance(fields.idempotency_key, str)]
    if twice:
        raise invalid([Fault(f"{pointer}/idempotency_key", _TWICE) for pointer in twice])


def of_lease(call: Call, given: shapes.LeaseInput) -> bytes | None:
    """Return the digest under which a lease can be repeated, or None."""
    text = header(call)
    if text is None:
        return None
    if not isinstance(given.worker, shapes.WorkerInput):
        raise invalid([Fault("/worker", "is missing: a lease with an Idempotency-Key is kept under its worker's id")])
    return build.key("lease", given.worker.id, text).digest
