"""Python calls as payloads: what `.delay()` writes, a worker reads as the same call."""

from inspect import signature
from typing import Any

import pytest
from headrace.calls import arguments_of, payload_of
from hypothesis import given
from hypothesis import strategies as st


def mixed(a: int, b: int = 0, *rest: int, c: int = 0, **more: int) -> dict[str, Any]:
    return {"a": a, "b": b, "rest": rest, "c": c, "more": more}


def named(a: int, b: int = 0, *, c: int = 0, **more: int) -> dict[str, Any]:
    return {"a": a, "b": b, "c": c, "more": more}


@given(
    args=st.lists(st.integers(), max_size=2),
    kwargs=st.dictionaries(st.sampled_from(["a", "b", "c", "d", "e"]), st.integers()),
)
def test_a_call_is_the_same_call_at_the_other_end(args: list[int], kwargs: dict[str, int]) -> None:
    try:
        here = named(*args, **kwargs)
    except TypeError:
        with pytest.raises(TypeError):
            payload_of(args, kwargs, signature(named))
        return
    there_args, there_kwargs = arguments_of(payload_of(args, kwargs, signature(named)))
    assert named(*there_args, **there_kwargs) == here


@pytest.mark.parametrize(
    ("args", "kwargs", "payload"),
    [
        ((2, 3), {}, [2, 3]),
        (([1],), {}, [[1]]),
        ((), {"a": 2}, {"a": 2}),
        ((1,), {"c": 3}, {"a": 1, "c": 3}),
        ((1, 2), {"d": 4}, {"a": 1, "b": 2, "d": 4}),
    ],
)
def test_positional_arguments_are_an_array_and_named_ones_an_object(
    args: tuple[Any, ...], kwargs: dict[str, Any], payload: Any
) -> None:
    assert payload_of(args, kwargs, signature(mixed)) == payload


@pytest.mark.parametrize(
    ("payload", "call"),
    [
        ({}, ((), {})),
        ([], ((), {})),
        ({"a": 1}, ((), {"a": 1})),
        ([1, {"a": 2}], ((1, {"a": 2}), {})),
        (5, ((5,), {})),
        ("text", (("text",), {})),
        (None, ((None,), {})),
        ({1: 2}, (({1: 2},), {})),
    ],
)
def test_a_worker_reads_any_payload_as_a_call(payload: Any, call: tuple[Any, Any]) -> None:
    assert arguments_of(payload) == call


def test_a_call_without_arguments_is_an_empty_array() -> None:
    assert payload_of((), {}, signature(lambda: None)) == []


def test_wrong_arguments_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'a'"):
        payload_of((), {"b": 1}, signature(mixed))


def test_what_has_no_name_cannot_travel_beside_names() -> None:
    with pytest.raises(TypeError, match="'rest' cannot be given by name"):
        payload_of((1, 2, 3), {"c": 4}, signature(mixed))


def test_a_mixture_needs_the_signature() -> None:
    with pytest.raises(TypeError, match="give all of them by name"):
        payload_of((1,), {"b": 2})
