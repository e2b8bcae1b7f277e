"""Blocking and awaiting code have the same SDK: generated from its names, so that nothing is left out.

Each class has its twin, or each function one whose name begins with `a`: of the same parameters, and with the same to
say of itself. What they send and make of replies is compared in test_parity_wire.py.
"""

import inspect
from typing import Any

import pytest

from tests.sdk.client.twins import (
    APART,
    HOMES,
    IDS_OF_MEMBERS,
    IDS_OF_TWINS,
    MEMBERS,
    TWINS,
    blocking_words,
    is_awaited,
    parameters,
    public,
    signature,
)


@pytest.mark.parametrize(("one", "other", "name"), MEMBERS, ids=IDS_OF_MEMBERS)
def test_a_member_is_the_same_in_both_classes(one: type, other: type, name: str) -> None:
    here, there = getattr(one, name, None), getattr(other, name, None)
    assert type(here) is type(there), "a method in both, or a property in both"
    if signature(here) is None:
        return
    assert parameters(here) == parameters(there)
    first, second = (inspect.getdoc(each) or "" for each in (here, there))
    assert (
        first.split("\n")[0].rstrip(".").split(",")[0].split(";")[0] in second or f"`{one.__name__}.{name}`" in second
    )


@pytest.mark.parametrize(("home", "name"), TWINS, ids=IDS_OF_TWINS)
def test_a_function_that_talks_has_a_twin_of_the_same_parameters(home: Any, name: str) -> None:
    if f"{home.__name__}.{name}" in APART:
        return
    here, there = getattr(home, name), getattr(home, f"a{name}")
    assert parameters(here) == parameters(there)
    assert is_awaited(there)
    assert not is_awaited(here)
    answers = [blocking_words(inspect.signature(each).return_annotation) for each in (here, there)]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("home", HOMES)
def test_a_twin_is_of_something(home: Any) -> None:
    lonely = [name for name in public(home) if is_awaited(getattr(home, name)) and name[1:] not in public(home)]
    assert [name for name in lonely if name[0].islower() and name != "async_client"] == []
