"""What a job may ask for: all faults are listed, and what is absent stays absent."""

import time
from typing import Any

import msgspec
import pytest
from headrace_server.api import build, parse, shapes
from headrace_server.api.faults import Reading
from headrace_server.api.problems import Problem
from headrace_server.domain.jobs import Format, NewJob, OnDead
from headrace_server.domain.retry import OnExhausted

READING = Reading(Format.JSON, 1024)


def read(**fields: Any) -> NewJob:
    given = parse.body(shapes.JobInput, msgspec.json.encode({"task": "t", **fields}), READING)
    return build.new_job(given, bytes(16), Format.JSON, None)


def faults(**fields: Any) -> dict[str, str]:
    with pytest.raises(Problem) as caught:
        read(**fields)
    assert (caught.value.status, caught.value.code) == (422, "invalid_request")
    return {fault.pointer: fault.detail for fault in caught.value.errors}


def test_what_is_absent_stays_absent() -> None:
    job = read()
    default = NewJob(id=bytes(16), task="t", queue="default", payload=job.payload)
    assert job == default


def test_every_option_arrives() -> None:
    job = read(
        max_runtime_ms=60_000,
        result_ttl_ms=0,
        tags={"tenant": "a b"},
        fairness_key="acme",
        weight=3,
        ordering_key="order-7",
        on_dead="hold",
        limits=["stripe", "stripe:tenant-7"],
        retry={"max_elapsed_ms": 5, "non_retryable": ["Auth.*", "ValueError"], "on_exhausted": "discard"},
    )
    assert (job.max_runtime_ms, job.result_ttl_ms, job.tags) == (60_000, 0, {"tenant": "a b"})
    assert (job.fairness_key, job.weight, job.ordering_key, job.on_dead) == ("acme", 3, "order-7", OnDead.HOLD)
    assert job.limits == ("stripe", "stripe:tenant-7")
    assert job.retry is not None
    assert (job.retry.max_elapsed_ms, job.retry.max_attempts) == (5, None)
    assert (job.retry.non_retryable, job.retry.on_exhausted) == (("Auth.*", "ValueError"), OnExhausted.DISCARD)


def test_no_tags_are_none() -> None:
    assert read(tags={}).tags is None


def test_all_faults_of_all_options_are_listed() -> None:
    found = faults(
        max_runtime_ms=999,
        result_ttl_ms=-1,
        tags={"a b": "c", "d": "\t", "e/f": "g"},
        weight=101,
        on_dead="stay",
        limits=["a b", "a:" * 8],
        retry={"non_retryable": ["", "x" * 201], "on_exhausted": "retry", "max_elapsed_ms": 0.5},
        unique={"key": ""},
    )
    assert set(found) == {
        *("/max_runtime_ms", "/result_ttl_ms", "/tags/a b", "/tags/d", "/tags/e~1f", "/weight", "/on_dead"),
        *("/limits/0", "/limits/1", "/retry/non_retryable/0", "/retry/non_retryable/1"),
        *("/retry/on_exhausted", "/retry/max_elapsed_ms", "/unique/key"),
    }
    assert found["/max_runtime_ms"] == "must be an integer from 1000 to 2592000000"
    assert found["/limits/1"] == "must be 1 to 128 visible ASCII characters without spaces, with at most 7 colons"
    assert found["/retry/non_retryable/0"] == "must be 1 to 200 characters without control characters"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"weight": 2}, "/weight"),
        ({"on_dead": "hold"}, "/on_dead"),
        ({"limits": ["a", "b", "a"]}, "/limits"),
        ({"limits": ["a", "b", "c", "d", "e"]}, "/limits"),
        ({"tags": {f"t{n}": "v" for n in range(17)}}, "/tags"),
        ({"tags": ["a"]}, "/tags"),
        ({"retry": {"non_retryable": ["E"] * 17}}, "/retry/non_retryable"),
    ],
)
def test_what_goes_beyond_one_field_has_a_place_too(fields: dict[str, Any], pointer: str) -> None:
    assert list(faults(**fields)) == [pointer]


@pytest.mark.parametrize("key", ["a" * 128, "~!", "a:b:c:d:e:f:g:h", ":", "a/b?c#d%20"])
def test_keys_may_hold_any_visible_character(key: str) -> None:
    assert read(limits=[key], fairness_key=key, ordering_key=key).limits == (key,)


def test_a_list_that_is_far_too_long_is_not_looked_through() -> None:
    begun = time.process_time()
    many = [f"l{n}" for n in range(500_000)]
    assert list(faults(limits=many)) == ["/limits"]
    assert time.process_time() - begun < 5.0  # comparing each with each takes hours
