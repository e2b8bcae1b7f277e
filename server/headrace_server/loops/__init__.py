"""The only package with timers: background duties, each one bounded step under one common runner."""

from headrace_server.loops.deliveries import Deliveries
from headrace_server.loops.runner import run_loops

__all__ = ["Deliveries", "run_loops"]
