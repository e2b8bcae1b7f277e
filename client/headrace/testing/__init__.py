"""For the tests of applications: a real server, its clock, and assertions; the fixtures of `plugin` hand them out."""

from headrace.testing.clock import Clock
from headrace.testing.enqueued import AssertEnqueued
from headrace.testing.server import Server, ServerFailed

__all__ = ["AssertEnqueued", "Clock", "Server", "ServerFailed"]
