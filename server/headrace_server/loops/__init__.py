"""The only package with timers: background duties, each one bounded step under one common runner."""

from headrace_server.loops.runner import run_loops

__all__ = ["run_loops"]
