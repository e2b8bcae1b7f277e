"""The document keeps its own house rules (they stand at its top)."""

import re
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import openapi_spec_validator
import pytest

from tests.support.contract import Document, document, faults, operations, resolve

DOCUMENT = document()
COMPONENTS: Document = DOCUMENT["components"]
SCHEMAS: Document = COMPONENTS["schemas"]
EXAMPLES = [
    (f"{kind}/{name} {media} {example}", content["schema"], value["value"])
    for kind in ("requestBodies", "responses")
    for name, component in COMPONENTS[kind].items()
    for media, content in component.get("content", {}).items()
    for example, value in content["examples"].items()
]


def nodes(node: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every object and list below a node with its pointer; examples are data, not document."""
    if isinstance(node, dict):
        yield pointer, node
        for key, value in node.items():
            if key not in ("examples", "example"):
                yield from nodes(value, f"{pointer}/{key}")
    elif isinstance(node, list):
        yield pointer, node
        for index, value in enumerate(node):
            yield from nodes(value, f"{pointer}/{index}")


def test_it_is_valid_openapi_3_1() -> None:
    openapi_spec_validator.validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1.")


def test_its_version_is_that_of_the_package() -> None:
    assert DOCUMENT["info"]["version"] == version("headrace")


def test_every_component_is_used_and_every_reference_leads_somewhere() -> None:
    used = {node["$ref"] for _, node in nodes(DOCUMENT) if isinstance(node, dict) and "$ref" in node}
    made = {f"#/components/{kind}/{name}" for kind, named in COMPONENTS.items() for name in named}
    schemes = {f"#/components/securitySchemes/{name}" for choice in DOCUMENT["security"] for name in choice}
    assert used | schemes == made


def test_operation_ids_are_unique_and_camel_case() -> None:
    ids = [operation.id for operation in operations()]
    assert [name for name, times in Counter(ids).items() if times > 1] == []
    assert [name for name in ids if not re.fullmatch(r"[a-z]+([A-Z][a-z]*)*", name)] == []


def test_every_operation_says_what_it_is() -> None:
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    silent = [o.id for o in operations() if not (o.spec.get("summary") and o.spec.get("description"))]
    assert silent == []
    assert {tag for o in operations() for tag in o.spec["tags"]} == tags


def test_bodies_replies_parameters_and_headers_are_named() -> None:
    inline = [
        f"{operation.id} {where}"
        for operation in operations()
        for where, node in [
            *((f"parameter {index}", node) for index, node in enumerate(operation.spec.get("parameters", []))),
            *((f"reply {status}", node) for status, node in operation.spec["responses"].items()),
            ("body", operation.spec.get("requestBody", {"$ref": ""})),
        ]
        if set(node) != {"$ref"}
    ]
    inline += [
        f"{n} {h}" for n, r in COMPONENTS["responses"].items() for h, v in r["headers"].items() if set(v) != {"$ref"}
    ]
    assert inline == []


def test_schemas_of_bodies_replies_parameters_and_headers_are_named() -> None:
    holders = [
        (f"{kind}/{name}", holder)
        for kind in ("requestBodies", "responses", "parameters", "headers")
        for name, component in COMPONENTS[kind].items()
        for holder in ([component] if "schema" in component else component.get("content", {}).values())
    ]
    assert [name for name, holder in holders if set(holder["schema"]) != {"$ref"}] == []


def test_lists_are_inside_objects() -> None:
    bodies = [schema for _, schema, _ in EXAMPLES]
    assert [schema for schema in bodies if resolve(schema).get("type") == "array"] == []


def test_alternatives_have_a_discriminator_that_knows_them_all() -> None:
    for pointer, node in nodes(DOCUMENT):
        if isinstance(node, dict) and ("oneOf" in node or "anyOf" in node):
            assert "anyOf" not in node, pointer
            mapping = node["discriminator"]["mapping"]
            assert set(mapping.values()) == {choice["$ref"] for choice in node["oneOf"]}, pointer
            words = [
                word for choice in node["oneOf"] for word in words_of(choice, node["discriminator"]["propertyName"])
            ]
            assert sorted(mapping) == sorted(words), pointer


def words_of(choice: Document, field: str) -> list[str]:
    words = resolve(resolve(choice)["properties"][field])["enum"]
    assert isinstance(words, list)
    return words


def test_nothing_is_null() -> None:
    assert [
        pointer for pointer, node in nodes(DOCUMENT) if isinstance(node, dict) and "null" in node.get("type", "")
    ] == []
    assert [pointer for pointer, node in nodes(DOCUMENT) if isinstance(node, dict) and node.get("nullable")] == []


def test_enums_are_named_and_open() -> None:
    inner = [p for p, node in nodes(DOCUMENT) if isinstance(node, dict) and "enum" in node and p.count("/") != 3]
    assert [pointer for pointer in inner if not pointer.endswith("/properties")] == []
    several = {name: schema for name, schema in SCHEMAS.items() if len(schema.get("enum", [])) > 1}
    assert [name for name, schema in several.items() if "Open" not in schema["description"]] == []


def below(schema: Document, seen: set[str] | None = None) -> Iterator[Document]:
    """Yield a schema and every one that its instances may hold."""
    seen = set() if seen is None else seen
    if schema.get("$ref") in seen:
        return
    seen |= {schema["$ref"]} if "$ref" in schema else set()
    schema = resolve(schema)
    yield schema
    parts = [*schema.get("properties", {}).values(), *schema.get("allOf", []), *schema.get("oneOf", [])]
    for part in [*parts, *([schema["items"]] if "items" in schema else [])]:
        yield from below(part, seen)


def test_requests_refuse_unknown_fields_and_replies_may_grow() -> None:
    for kind, may_grow in (("requestBodies", False), ("responses", True)):
        for name, component in COMPONENTS[kind].items():
            grows = may_grow or name == "ReceiveEvent"  # which the server writes
            for content in component.get("content", {}).values():
                objects = [s for s in below(content["schema"]) if s.get("type") == "object"]
                fixed = [s for s in objects if "properties" in s]
                assert [s for s in fixed if s.get("additionalProperties") is not grows] == [], f"{kind}/{name}"


def test_every_schema_and_every_field_says_what_it_means() -> None:
    silent = [name for name, schema in SCHEMAS.items() if not schema.get("description")]
    silent += [
        f"{name}.{field}"
        for name, schema in SCHEMAS.items()
        for field, node in schema.get("properties", {}).items()
        if not (node.get("description") or "$ref" in node)
    ]
    assert silent == []


AS_THEY_CAME = ("getPayload", "getResult")  # bytes of any type, whatever Accept says


def test_every_status_is_explicit() -> None:
    for operation in operations():
        statuses = list(operation.spec["responses"])
        assert all(re.fullmatch(r"[2345]\d\d", status) for status in statuses), operation.id
        assert statuses == sorted(statuses), operation.id
        expected = {"400", "403", "408", "431", "500"}
        expected |= {"413", "415", "422"} if "requestBody" in operation.spec else set()
        expected |= {"401", "503", "504"} if operation.path.startswith("/v1") else set()
        expected |= {"406"} if operation.path.startswith("/v1") and operation.id not in AS_THEY_CAME else set()
        assert expected <= set(statuses), operation.id


def test_every_error_is_a_problem_and_names_its_codes() -> None:
    errors = {r["$ref"] for o in operations() for status, r in o.spec["responses"].items() if status >= "400"}
    for reference in errors:
        reply = resolve({"$ref": reference})
        assert list(reply["content"]) == ["application/problem+json"], reference
        assert reply["x-problem-codes"], reference


@pytest.mark.parametrize(("name", "schema", "value"), EXAMPLES, ids=[name for name, _, _ in EXAMPLES])
def test_every_example_is_valid(name: str, schema: Document, value: Any) -> None:
    assert faults(schema, value) == []


def test_examples_of_words_are_valid() -> None:
    for name, schema in SCHEMAS.items():
        for example in schema.get("examples", []):
            assert faults({"$ref": f"#/components/schemas/{name}"}, example) == [], name


def test_every_body_and_every_reply_with_a_body_has_an_example() -> None:
    bare = [
        f"{kind}/{name}"
        for kind in ("requestBodies", "responses")
        for name, component in COMPONENTS[kind].items()
        for content in component.get("content", {}).values()
        if not content.get("examples")
    ]
    assert bare == []
