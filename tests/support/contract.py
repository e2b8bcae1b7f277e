"""openapi.yaml as a judge: which operation a request is, whether its body is valid, and what is wrong with a reply."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgpack
import yaml

CONTRACT = Path(__file__).parents[2] / "openapi.yaml"
METHODS = ("get", "put", "post", "delete", "patch")
PROBLEM = "application/problem+json"
MSGPACK = ("application/msgpack", "application/vnd.msgpack")
EVENT_STREAM = "text/event-stream"
OTHER_TEXTS = ("application/yaml", "application/openmetrics-text")
ANY = "*/*"
Document = dict[str, Any]


@dataclass(frozen=True)
class Exchange:
    """One request and its reply, as far as the contract speaks of them; names of headers in lower case."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    id: str
    method: str
    path: str
    spec: Document

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(self.path)))


@cache
def document() -> Document:
    """Return openapi.yaml."""
    loaded = yaml.load(CONTRACT.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    assert isinstance(loaded, dict)
    return loaded


def resolve(node: Document) -> Document:
    """Return what a node refers to, or itself."""
    if "$ref" not in node:
        return node
    found: Any = document()
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return resolve(found)


@cache
def operations() -> tuple[Operation, ...]:
    """Return every operation; of two paths that match the same request the one without a parameter comes first."""
    found = [
        Operation(spec["operationId"], method.upper(), path, spec)
        for path, item in document()["paths"].items()
        for method, spec in item.items()
        if method in METHODS
    ]
    return tuple(sorted(found, key=lambda operation: operation.path.count("{")))


def operation_of(method: str, path: str) -> Operation | None:
    """Return the operation that a request is meant for, or None; a path without parameters is tried first."""
    method = "GET" if method == "HEAD" else method
    fitting = [o for o in operations() if o.pattern.fullmatch(path)]
    return next((o for o in fitting if o.method == method and o.path == fitting[0].path), None)


def operation(operation_id: str) -> Operation:
    """Return an operation by its name."""
    return next(o for o in operations() if o.id == operation_id)


@cache
def _validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    bundle = {**json.loads(schema), "components": {"schemas": document()["components"]["schemas"]}}
    return jsonschema_rs.Draft202012Validator(bundle, validate_formats=True)


def faults(schema: Document, value: Any) -> list[str]:
    """Return what is wrong with a value by a schema of the document."""
    errors = _validator(json.dumps(schema)).iter_errors(value)
    return [f"/{'/'.join(map(str, error.instance_path))}: {error.message[:300]}" for error in errors]


def body_faults(of: Operation, value: Any) -> list[str]:
    """Return what is wrong with a request body."""
    content = resolve(of.spec["requestBody"])["content"]
    return faults(content["application/json"]["schema"], value)


def reply_faults(exchange: Exchange) -> list[str]:
    """Return everything in a reply that the document does not say."""
    where = f"{exchange.method} {exchange.path} -> {exchange.status}"
    return [f"{where}: {fault}" for fault in _reply_faults(exchange)]


def _reply_faults(exchange: Exchange) -> Iterator[str]:
    found = operation_of(exchange.method, exchange.path)
    if found is None:
        yield from _refusal_faults(exchange)
        return
    reply = found.spec["responses"].get(str(exchange.status))
    if reply is None:
        yield f"the status is not documented for {found.id}: {exchange.content[:300]!r}"
        return
    reply = resolve(reply)
    yield from _header_faults(reply.get("headers", {}), exchange)
    yield from _content_faults(reply, exchange)
    if exchange.status >= 400:
        yield from _problem_faults(reply, exchange)


def _refusal_faults(exchange: Exchange) -> Iterator[str]:
    """What is no operation is answered with a problem of its own, or one that any operation could have had."""
    if exchange.method == "OPTIONS" and exchange.status == 204:
        return  # a browser asks whether a page may call
    problems = [resolve(r) for o in operations() for status, r in o.spec["responses"].items() if int(status) >= 400]
    codes = {code for problem in problems for code in problem["x-problem-codes"]}
    yield from _problem_faults({"x-problem-codes": [*document()["x-problem-codes"], *codes]}, exchange)
    if exchange.status == 405 and not exchange.headers.get("allow"):
        yield "405 without Allow"


def _header_faults(headers: Document, exchange: Exchange) -> Iterator[str]:
    for name, node in headers.items():
        header = resolve(node)
        text = exchange.headers.get(name.lower())
        if text is None:
            if header.get("required"):
                yield f"the header {name} is missing"
            continue
        schema = resolve(header["schema"])
        value = int(text) if schema["type"] == "integer" and text.isdigit() else text
        yield from (f"the header {name}: {fault}" for fault in faults(header["schema"], value))


def _content_faults(reply: Document, exchange: Exchange) -> Iterator[str]:
    content = reply.get("content")
    if content is None or exchange.method == "HEAD":
        if exchange.content:
            yield "there is a body where none is documented"
        return
    media = "application/json" if exchange.media_type in MSGPACK else exchange.media_type
    if media not in content:
        if ANY not in content or "/" not in media:
            yield f"the type {exchange.media_type!r} is not documented"
        return
    if media == EVENT_STREAM:
        yield from stream_faults(exchange.content)
        return
    if media.startswith("text/") or media in OTHER_TEXTS:
        return
    try:
        value = decode(exchange)
    except ValueError as error:
        yield f"the body cannot be read: {error}"
        return
    yield from faults(content[media]["schema"], value)


def stream_faults(content: bytes) -> Iterator[str]:
    """Yield what is wrong with server-sent events: each is whole, and its `id` and `event` are those of its `data`."""
    for block in content.decode().split("\n\n"):
        lines = [line.partition(":") for line in block.split("\n")]
        fields = {name: value.removeprefix(" ") for name, _, value in lines if name}  # a comment has no name
        if set(fields) <= {"id"} or list(fields) == ["retry"]:
            continue
        if list(fields) != ["id", "event", "data"]:
            yield f"an event with the fields {list(fields)}"
            continue
        event = json.loads(fields["data"])
        yield from (f"an event: {fault}" for fault in faults({"$ref": "#/components/schemas/Event"}, event))
        if (event.get("cursor"), event.get("type")) != (fields["id"], fields["event"]):
            yield f"an event whose id and type are not those of its data: {block!r}"


def _problem_faults(reply: Document, exchange: Exchange) -> Iterator[str]:
    if exchange.media_type != PROBLEM:
        yield f"an error of type {exchange.media_type!r}"
        return
    if exchange.method == "HEAD":
        return
    problem = json.loads(exchange.content)
    yield from faults({"$ref": "#/components/schemas/Problem"}, problem)
    if problem.get("code") not in reply["x-problem-codes"]:
        yield f"the code {problem.get('code')} is not documented here"
    if problem.get("status") != exchange.status:
        yield f"the problem says status {problem.get('status')}"
    if problem.get("request_id") != exchange.headers.get("x-request-id"):
        yield "request_id and X-Request-Id differ"


def decode(exchange: Exchange) -> Any:
    """Return the value of a JSON or msgpack body, binary as base64; raises ValueError."""
    if exchange.media_type in MSGPACK:
        return _as_json(msgpack.unpackb(exchange.content, strict_map_key=False, object_pairs_hook=_with_text_keys))
    return json.loads(exchange.content, parse_constant=_refuse_constant)


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _with_text_keys(pairs: list[tuple[Any, Any]]) -> Document:
    return {str(key): value for key, value in pairs}


def _as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: _as_json(item) for key, item in value.items()}
    if isinstance(value, msgpack.ExtType | msgpack.Timestamp):
        return str(value)  # of a payload as it came
    return value
