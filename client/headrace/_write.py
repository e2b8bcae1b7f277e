"""Models into documents: what a request body says, with what was not given left out; it must not know HTTP."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Final

from headrace._codec import Codec
from headrace._read import Document, write_instant
from headrace.finding import JobFilter
from headrace.models import NewJob, Raw
from headrace.words import ABSENT

_AS_IT_IS: Final = frozenset((str, int, float, bool))  # what most options are made of


def given(**values: Any) -> dict[str, Any]:
    """Return the values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def said(**values: Any) -> dict[str, Any]:
    """Return the values that are not ABSENT: None is a value here."""
    return {name: value for name, value in values.items() if value is not ABSENT}


def fresh_key() -> str:
    """Return an Idempotency-Key that nobody has used: a request that is repeated with it is done once."""
    return str(uuid.uuid4())


def written(model: Any) -> Document:
    """Return a model's fields as a document. Raises ValueError for a naive datetime."""
    return {f.name: _plain(f.name, value) for f in fields(model) if (value := getattr(model, f.name)) is not None}


def job_body(job: NewJob, codec: Codec) -> dict[str, Any]:
    """Return a new job as a document. Raises ValueError for a naive datetime."""
    body = {name: value for name, value in vars(job).items() if value is not None}
    payload = body.pop("payload", None)  # last: a value like any other, not an option
    for name, value in body.items():
        if type(value) not in _AS_IT_IS:
            body[name] = _plain(name, value)
    return body | carried("payload", payload, codec)


def carried(name: str, value: Any, codec: Codec) -> dict[str, Any]:
    """Return a payload or result as a document has it: a value, or a Raw with its media type."""
    if isinstance(value, Raw):
        return {f"{name}_raw": codec.binary(value.data), f"{name}_type": value.media_type}
    return {} if value is ABSENT else {name: value}


def filter_params(which: JobFilter) -> dict[str, str]:
    """Return a filter as query parameters."""
    params = {name: _plain(name, value) for name, value in which.items() if value is not None}
    if "state" in params and not isinstance(params["state"], str):
        params["state"] = ",".join(params["state"])
    if "tag" in params:
        params["tag"] = ":".join(params["tag"])
    return params


def filter_body(which: JobFilter) -> Document:
    """Return a filter as a document."""
    body = {name: _plain(name, value) for name, value in which.items() if value is not None}
    if "tag" in body:
        name, value = body["tag"]
        body["tag"] = {"name": name, "value": value}
    return body


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return write_instant(name, value)
    if is_dataclass(value) and not isinstance(value, type):
        return written(value)
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else value
