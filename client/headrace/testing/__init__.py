"""For the tests of applications: a real server, its clock, and assertions; the fixtures of `plugin` hand them out.

Names are loaded when they are first used: pytest imports this package in every run.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.testing.clock import Clock
    from headrace.testing.enqueued import AssertEnqueued
    from headrace.testing.server import Server, ServerFailed

__all__ = ["AssertEnqueued", "Clock", "Server", "ServerFailed"]

_HOMES = {"AssertEnqueued": "enqueued", "Clock": "clock", "Server": "server", "ServerFailed": "server"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
