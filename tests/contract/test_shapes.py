"""The types that the server decodes requests into and writes replies from are the schemas of the document."""

import re
from typing import Any

import msgspec
import msgspec.structs
import pytest
from headrace_server.api import replies, shapes
from headrace_server.api.problems import Document as ProblemDocument
from headrace_server.api.problems import Fault, as_documents
from headrace_server.config import Durability
from headrace_server.domain import limits
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.lifecycle import FINAL, State
from headrace_server.domain.requests import SettleStatus
from headrace_server.domain.retry import Backoff
from msgspec import inspect as info

from tests.support.contract import Document, document, resolve

SCHEMAS: Document = document()["components"]["schemas"]
REQUESTS: dict[str, type[msgspec.Struct]] = {
    "Retry": shapes.Retry,
    "JobFields": shapes.JobFields,
    "JobInput": shapes.JobInput,
    "JobDefaults": shapes.JobDefaults,
    "BatchInput": shapes.BatchInput,
    "CancelInput": shapes.CancelInput,
    "WorkerRef": shapes.WorkerInput,
    "LeaseInput": shapes.LeaseInput,
    "SettleError": shapes.ErrorInput,
    "AckInput": shapes.AckInput,
    "NackInput": shapes.NackInput,
    "ReleaseInput": shapes.ReleaseInput,
    "SnoozeInput": shapes.SnoozeInput,
    "ExtendInput": shapes.ExtendInput,
    "CompletionsInput": shapes.CompletionsInput,
    "HeldLease": shapes.HeartbeatItem,
    "HeartbeatInput": shapes.HeartbeatInput,
}
REPLIES: dict[str, type[msgspec.Struct]] = {
    "Job": replies.JobDocument,
    "JobList": replies.JobsDocument,
    "BatchResult": replies.BatchResult,
    "LeasedJob": replies.LeasedDocument,
    "LeaseReply": replies.GrantDocument,
    "CompletionsReply": replies.CompletionsDocument,
    "HeartbeatReply": replies.HeartbeatDocument,
    "QueueStats": replies.QueueDocument,
    "QueueList": replies.QueuesDocument,
    "Store": replies.StoreDocument,
    "Server": replies.ServerDocument,
    "Health": replies.HealthDocument,
    "Problem": ProblemDocument,
}
PLAIN: dict[type[info.Type], Document] = {
    info.BoolType: {"type": "boolean"},
    info.DateTimeType: {"type": "string", "format": "date-time"},
    info.StructType: {"type": "object"},
}
ITEMS = (shapes.AckItem, shapes.NackItem, shapes.ReleaseItem, shapes.SnoozeItem)


def flat(schema: Document) -> Document:
    """Return a schema with what it refers to and what `allOf` adds laid into one."""
    schema = resolve(schema)
    merged: Document = {}
    for part in (*map(flat, schema.get("allOf", [])), schema):
        for key, value in part.items():
            if key == "properties":
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "required":
                merged[key] = sorted({*merged.get(key, []), *value})
            elif key not in ("allOf", "description", "examples"):
                merged[key] = value
    without = merged.pop("not", {}).get("required", [])
    if len(without) == 1:
        del merged["properties"][without[0]]
    return merged


def as_schema(kind: info.Type) -> Document:
    """Return what a type of the code allows, in the words of a schema."""
    extra = kind.extra or {} if isinstance(kind, info.Metadata) else {}
    kind = kind.type if isinstance(kind, info.Metadata) else kind
    match kind:
        case info.UnionType():
            [only] = [t for t in kind.types if not isinstance(t, info.CustomType | info.UnsetType)]
            return as_schema(only)
        case info.RawType():
            return {"payload": {}, "object": {"type": "object"}}[extra["raw"]]
        case info.IntType() | info.FloatType():
            word = "integer" if isinstance(kind, info.IntType) else "number"
            return present(type=word, minimum=kind.ge, maximum=kind.le)
        case info.StrType():
            pattern = kind.pattern.removesuffix(r"(?!\n)") if kind.pattern else None
            return present(type="string", maxLength=kind.max_length, pattern=pattern)
        case info.EnumType():
            return {"type": "string", "enum": [member.value for member in kind.cls]}
        case info.ListType():
            return present(type="array", minItems=kind.min_length, maxItems=kind.max_length)
    return dict(PLAIN[type(kind)])


def present(**words: Any) -> Document:
    return {word: value for word, value in words.items() if value is not None}


def documented(node: Document) -> Document:
    """Return of a field's schema what `as_schema` speaks of."""
    words = ("type", "minimum", "maximum", "maxLength", "pattern", "enum", "minItems", "maxItems")
    found = {word: value for word, value in flat(node).items() if word in words}
    if flat(node).get("format") == "date-time":
        found["format"] = "date-time"
    return found


def fields_of(struct: type[msgspec.Struct]) -> dict[str, info.Field]:
    kind = info.type_info(struct)
    assert isinstance(kind, info.StructType)
    return {field.encode_name: field for field in kind.fields}


def written(struct: type[msgspec.Struct]) -> dict[str, bool]:
    """Return the fields of a reply, and of each whether it is always there."""
    fields = msgspec.structs.fields(struct)
    if struct.__struct_config__.omit_defaults:
        return {field.encode_name: field.required for field in fields}
    return {field.encode_name: field.default is not msgspec.UNSET for field in fields}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_has_the_fields_of_its_schema(name: str) -> None:
    schema, fields = flat(SCHEMAS[name]), fields_of(REQUESTS[name])
    assert set(fields) == set(schema["properties"])
    assert {f for f, field in fields.items() if field.required} == set(schema.get("required", []))
    assert REQUESTS[name].__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize("name", REQUESTS)
def test_a_field_of_a_request_has_the_bounds_of_its_schema(name: str) -> None:
    properties = flat(SCHEMAS[name])["properties"]
    for field, kind in fields_of(REQUESTS[name]).items():
        if field != "job_id":  # any text: one that is no id is told apart from one that is unknown, later
            assert as_schema(kind.type) == documented(properties[field]), field


def test_a_completion_is_the_sum_of_its_verbs() -> None:
    schema = flat(SCHEMAS["Completion"])
    assert resolve(schema["properties"]["op"])["enum"] == [struct.__struct_config__.tag for struct in ITEMS]
    assert {f for struct in ITEMS for f in fields_of(struct)} | {"op"} == set(schema["properties"])
    shared = set.intersection(*({f for f, field in fields_of(s).items() if field.required} for s in ITEMS))
    assert shared | {"op"} == set(schema["required"])
    for struct in ITEMS:
        for field, kind in fields_of(struct).items():
            if field != "job_id":
                assert as_schema(kind.type) == documented(schema["properties"][field]), field


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_has_the_fields_of_its_schema(name: str) -> None:
    assert set(written(REPLIES[name])) == set(SCHEMAS[name]["properties"])


@pytest.mark.parametrize("name", [name for name in REPLIES if name != "Problem"])  # whose table fills in its defaults
def test_a_reply_always_has_what_its_schema_requires(name: str) -> None:
    always = {field for field, is_there in written(REPLIES[name]).items() if is_there}
    assert always == set(SCHEMAS[name]["required"])


def test_a_fault_says_where_and_what() -> None:
    [fault] = as_documents([Fault("/task", "is missing")])
    assert set(fault) == set(SCHEMAS["Fault"]["properties"]) == set(SCHEMAS["Fault"]["required"])


def test_an_outcome_is_what_every_settle_answers() -> None:
    fields = set(written(replies.SettledDocument))
    assert fields - {"server_time"} == set(SCHEMAS["Outcome"]["properties"])
    for name in ("SettleReply", "KeptLease"):
        assert set(SCHEMAS[name]["properties"]) <= fields


def test_words_are_those_of_the_domain() -> None:
    states = [state.value for state in State]
    assert SCHEMAS["JobState"]["enum"] == states
    assert SCHEMAS["StateCounts"]["required"] == list(SCHEMAS["StateCounts"]["properties"]) == states
    assert SCHEMAS["GoneState"]["enum"] == [replies.GoneDocument("").state]
    assert SCHEMAS["Durability"]["enum"] == [mode.value for mode in Durability]
    assert SCHEMAS["Backoff"]["enum"] == [backoff.value for backoff in Backoff]
    verdicts = [status.value for status in SettleStatus]
    assert SCHEMAS["OutcomeStatus"]["enum"] == [*verdicts, "invalid", "not_done", "unknown"]
    assert set(SCHEMAS["LeaseStatus"]["enum"]) == set(SCHEMAS["OutcomeStatus"]["enum"]) - {"repeated"}
    refused = {SettleStatus.LEASE_LOST.value, SettleStatus.NOT_FOUND.value}
    assert SCHEMAS["SettleStatus"]["enum"] == [verdict for verdict in verdicts if verdict not in refused]
    assert all(f"`{state.value}`" in SCHEMAS["JobState"]["description"].partition("Final:")[2] for state in FINAL)


def test_bounds_are_those_of_the_domain() -> None:
    names = {"TaskName", "QueueName"}
    assert {SCHEMAS[name]["pattern"] for name in names} == {f"^{limits.NAME_PATTERN}$"}
    assert SCHEMAS["Duration"]["maximum"] == limits.MAX_DELAY_MS
    assert (SCHEMAS["LeaseMs"]["minimum"], SCHEMAS["LeaseMs"]["maximum"]) == (limits.MIN_LEASE_MS, limits.MAX_LEASE_MS)
    assert SCHEMAS["PageLimit"]["maximum"] == limits.MAX_PAGE_ITEMS
    assert re.fullmatch(SCHEMAS["IdempotencyKey"]["pattern"], "!" * limits.MAX_KEY_CHARS)
    assert not re.fullmatch(SCHEMAS["IdempotencyKey"]["pattern"], "!" * (limits.MAX_KEY_CHARS + 1))
    assert SCHEMAS["Job"]["properties"]["priority"]["maximum"] == limits.MAX_PRIORITY


def test_limits_are_named_as_in_the_domain() -> None:
    names = SCHEMAS["Limits"]["required"]
    assert names == list(SCHEMAS["Limits"]["properties"])
    assert [name for name in names if not hasattr(limits, name.upper())] == []


def test_numbers_in_the_prose_are_those_of_the_domain() -> None:
    kept = [limits.MAX_ERROR_TYPE_CHARS, limits.MAX_ERROR_MESSAGE_CHARS, limits.MAX_ERROR_STACK_CHARS]
    texts = [SCHEMAS["SettleError"]["properties"][name]["description"] for name in ("type", "message", "stack")]
    assert [int(re.findall(r"\d+", text)[-1]) for text in texts] == kept
    assert f"{limits.MAX_PAYLOAD_BYTES // limits.MIB} MiB at most" in SCHEMAS["Value"]["description"]
    assert f"nested {limits.MAX_DEPTH} deep" in SCHEMAS["Value"]["description"]
    assert f"{limits.MAX_META_BYTES // limits.KIB} KiB at most" in SCHEMAS["Meta"]["description"]
    assert f"{limits.MAX_TRACE_BYTES // limits.KIB} KiB at most" in SCHEMAS["TraceHeader"]["description"]
    assert f"{limits.MAX_ATOMIC_JOBS} at most" in SCHEMAS["BatchInput"]["properties"]["jobs"]["description"]
    assert f"more than {limits.MAX_WAIT_MS // limits.SECOND_MS} is" in SCHEMAS["WaitSeconds"]["description"]


def test_defaults_in_the_prose_are_those_of_the_domain() -> None:
    defaults, retry, job = Defaults(), SCHEMAS["Retry"]["properties"], SCHEMAS["JobFields"]["properties"]
    assert job["priority"]["default"] == defaults.priority
    assert f"{defaults.lease_ms // limits.SECOND_MS} seconds by default" in job["lease_ms"]["description"]
    assert f"{defaults.max_crashes} by default" in job["max_crashes"]["description"]
    assert f"{defaults.max_attempts} by default" in retry["max_attempts"]["description"]
    assert f"{defaults.initial_ms // limits.SECOND_MS} second by default" in retry["initial_ms"]["description"]
    assert f"{defaults.factor:g} by default" in retry["factor"]["description"]
    assert f"{defaults.max_ms // limits.MINUTE_MS} minutes by default" in retry["max_ms"]["description"]
    kept = job["retention_ms"]["description"]
    assert f"{defaults.succeeded_retention_ms // limits.HOUR_MS} hour when succeeded or cancelled" in kept
    assert defaults.succeeded_retention_ms == defaults.cancelled_retention_ms
    assert f"{defaults.dead_retention_ms // limits.DAY_MS} days when dead" in kept
