"""The types that the server decodes requests into and writes replies from are the schemas of the document."""

from typing import Any

import msgspec
import msgspec.structs
import pytest
from headrace_server.api import replies, reports, schedule_documents, shapes, webhook_documents
from headrace_server.api.problems import Document as ProblemDocument
from headrace_server.api.problems import Fault, as_documents
from msgspec import inspect as info

from tests.support.contract import Document, document, operation, resolve

SCHEMAS: Document = document()["components"]["schemas"]
REQUESTS: dict[str, type[msgspec.Struct]] = {
    "Retry": shapes.Retry,
    "JobFields": shapes.JobFields,
    "JobInput": shapes.JobInput,
    "JobDefaults": shapes.JobDefaults,
    "BatchInput": shapes.BatchInput,
    "Unique": shapes.Unique,
    "WaitInput": shapes.WaitInput,
    "CancelInput": shapes.CancelInput,
    "RetryJobInput": shapes.RetryInput,
    "PatchInput": shapes.PatchInput,
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
    "WorkerInfoInput": shapes.WorkerInfoInput,
    "WorkerCountsInput": shapes.CountsInput,
    "RateInput": shapes.RateInput,
    "QueueSettingsInput": shapes.QueueSettingsInput,
    "PauseInput": shapes.PauseInput,
    "PurgeInput": shapes.PurgeInput,
    "LimitSettingsInput": shapes.LimitInput,
    "BackOffInput": shapes.BackoffInput,
    "TagInput": shapes.TagInput,
    "JobFilterInput": shapes.FilterInput,
    "ClockInput": shapes.ClockInput,
    "OperationInput": shapes.OperationInput,
    "ScheduledJobInput": shapes.ScheduledJobInput,
    "ScheduleInput": shapes.ScheduleInput,
    "PreviewInput": shapes.PreviewInput,
    "WebhookInput": shapes.WebhookInput,
    "RotateInput": shapes.RotateInput,
}
QUERIES: dict[str, type[msgspec.Struct]] = {
    "listJobs": shapes.ListQuery,
    "listWorkers": shapes.WorkersQuery,
    "listQueues": shapes.PageQuery,
    "listLimits": shapes.PageQuery,
    "readEvents": shapes.EventsQuery,
    "listSchedules": shapes.SchedulesQuery,
    "listWebhooks": shapes.WebhooksQuery,
    "previewSchedule": shapes.PreviewQuery,
}
REPLIES: dict[str, type[msgspec.Struct]] = {
    "Job": replies.JobDocument,
    "JobList": replies.JobsDocument,
    "BatchResult": replies.BatchResult,
    "BatchReceipts": replies.ReceiptsDocument,
    "WaitReply": replies.WaitDocument,
    "LeasedJob": replies.LeasedDocument,
    "LeasedAlike": replies.LeasedAlikeDocument,
    "LeaseReply": replies.GrantDocument,
    "CompletionsReply": replies.CompletionsDocument,
    "HeartbeatReply": replies.HeartbeatDocument,
    "WorkerInfo": reports.WorkerInfoDocument,
    "WorkerCounts": reports.CountsDocument,
    "Worker": reports.WorkerDocument,
    "WorkerPage": reports.WorkersDocument,
    "JobSummary": replies.SummaryDocument,
    "JobReceipt": replies.ReceiptDocument,
    "GoneJob": replies.GoneDocument,
    "JobPage": reports.PageDocument,
    "Attempt": reports.AttemptDocument,
    "AttemptList": reports.AttemptsDocument,
    "ReasonFact": reports.ReasonDocument,
    "Explanation": reports.ExplanationDocument,
    "QueueStats": replies.StatsDocument,
    "QueueSummary": reports.QueueSummaryDocument,
    "QueueList": reports.QueuesDocument,
    "Queue": reports.QueueDocument,
    "QueueSettings": reports.QueueSettingsDocument,
    "RetrySettings": reports.RetryDocument,
    "Rate": reports.RateDocument,
    "Limit": reports.LimitDocument,
    "LimitList": reports.LimitsDocument,
    "Tag": reports.TagDocument,
    "JobFilter": reports.FilterDocument,
    "Operation": reports.OperationDocument,
    "OperationList": reports.OperationsDocument,
    "Event": reports.EventDocument,
    "EventPage": reports.EventsDocument,
    "Schedule": schedule_documents.ScheduleDocument,
    "ScheduleRun": schedule_documents.RunDocument,
    "ScheduleSlot": replies.ScheduleSlotDocument,
    "ScheduleList": schedule_documents.SchedulesDocument,
    "ScheduleTrigger": schedule_documents.TriggerDocument,
    "SchedulePreview": schedule_documents.PreviewDocument,
    "Webhook": webhook_documents.WebhookDocument,
    "WebhookList": webhook_documents.WebhooksDocument,
    "WebhookPing": webhook_documents.PingDocument,
    "Store": replies.StoreDocument,
    "Server": replies.ServerDocument,
    "Health": replies.HealthDocument,
    "Clock": replies.ClockDocument,
    "ClockAdvance": replies.TurnedDocument,
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
    merged.pop("not", None)
    for part in (schema, *schema.get("allOf", [])):
        without = part.get("not", {}).get("required", [])
        if len(without) == 1:  # more of them: each may be there alone
            merged.get("properties", {}).pop(without[0], None)
    return merged


def as_schema(kind: info.Type) -> Document:
    """Return what a type of the code allows, in the words of a schema."""
    extra = kind.extra or {} if isinstance(kind, info.Metadata) else {}
    kind = kind.type if isinstance(kind, info.Metadata) else kind
    match kind:
        case info.UnionType():
            return either([as_schema(t) for t in kind.types if not isinstance(t, info.CustomType)])
        case info.RawType():
            return {"object": {"type": "object"}, "item": {"type": "object"}}.get(extra["raw"], {})
        case info.BytesType():
            return documented(SCHEMAS["Base64"])
        case info.IntType() | info.FloatType():
            word = "integer" if isinstance(kind, info.IntType) else "number"
            return present(type=word, minimum=kind.ge, maximum=kind.le)
        case info.StrType():
            pattern = kind.pattern.removesuffix(r"(?!\n)") if kind.pattern else None
            return present(type="string", minLength=kind.min_length, maxLength=kind.max_length, pattern=pattern)
        case info.EnumType():
            return {"type": "string", "enum": [member.value for member in kind.cls]}
        case info.ListType():
            items = as_schema(kind.item_type)
            return present(type="array", minItems=kind.min_length, maxItems=kind.max_length, items=items)
        case info.DictType():
            keys, values = as_schema(kind.key_type), as_schema(kind.value_type)
            return present(
                type="object", maxProperties=kind.max_length, propertyNames=keys, additionalProperties=values
            )
    return dict(PLAIN[type(kind)])


def either(schemas: list[Document]) -> Document:
    """Return the schema of a value of one kind, or of a word or a list of such words."""
    if len(schemas) == 1:
        return schemas[0]
    [word, several] = sorted(schemas, key=lambda schema: str(schema["type"]), reverse=True)
    assert several["items"] == word
    return {**several, "type": ["string", "array"], "pattern": f"^({'|'.join(word['enum'])})$"}


def present(**words: Any) -> Document:
    return {word: value for word, value in words.items() if value is not None}


PLAIN_WORDS = ("type", "minimum", "maximum", "minLength", "maxLength", "pattern", "enum", "minItems", "maxItems")


def documented(node: Document) -> Document:
    """Return of a field's schema what `as_schema` speaks of."""
    schema = flat(node)
    found = {word: value for word, value in schema.items() if word in (*PLAIN_WORDS, "maxProperties")}
    if schema.get("format") == "date-time":
        found["format"] = "date-time"
    parts = ["items"] if "items" in schema else []
    parts += ["propertyNames", "additionalProperties"] if "propertyNames" in schema else []
    return found | {part: documented(schema[part]) for part in parts}


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


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_has_the_parameters_of_its_operation(name: str) -> None:
    named = [resolve(node) for node in operation(name).spec["parameters"]]
    parameters = {parameter["name"]: parameter for parameter in named if parameter["in"] == "query"}
    fields = fields_of(QUERIES[name])
    assert set(fields) == set(parameters) - {"wait"}  # which other operations have, too
    assert [f for f, field in fields.items() if field.required or parameters[f].get("required")] == []
    for field in fields:
        assert as_schema(fields[field].type) == documented(parameters[field]["schema"]), field


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
    assert always == set(SCHEMAS[name].get("required", []))


def test_a_fault_says_where_and_what() -> None:
    [fault] = as_documents([Fault("/task", "is missing")])
    assert set(fault) == set(SCHEMAS["Fault"]["properties"]) == set(SCHEMAS["Fault"]["required"])


def test_an_outcome_is_what_every_settle_answers() -> None:
    fields = set(written(replies.SettledDocument))
    assert fields - {"server_time"} == set(SCHEMAS["Outcome"]["properties"])
    for name in ("SettleReply", "KeptLease"):
        assert set(SCHEMAS[name]["properties"]) <= fields
