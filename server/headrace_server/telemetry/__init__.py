"""Logs (later metrics and traces): set up here, written by everybody."""

from headrace_server.telemetry.logs import FORMATS, LEVELS, configure

__all__ = ["FORMATS", "LEVELS", "configure"]
