"""Headrace's part of a framework's settings."""

from typing import Any

import pytest
from headrace.contrib.settings import WrongSettings, read


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, {}),
        ({"DEBUG": True, "URL": "elsewhere"}, {}),
        ({"HEADRACE": {"URL": "http://a", "task_default_queue": "q"}}, {"url": "http://a", "task_default_queue": "q"}),
        ({"HEADRACE_TASK_ALWAYS_EAGER": True}, {"task_always_eager": True}),
        ({"HEADRACE": {"URL": "http://a"}, "HEADRACE_URL": "http://b"}, {"url": "http://b"}),
    ],
)
def test_settings_are_given_together_or_one_by_one(settings: dict[str, Any], found: dict[str, Any]) -> None:
    assert read(settings) == found


def test_an_address_in_the_place_of_the_settings_is_refused() -> None:
    with pytest.raises(WrongSettings, match="its key URL"):
        read({"HEADRACE": "http://a"})
