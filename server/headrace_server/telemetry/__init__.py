"""Logs and reports of faults (later metrics and traces): set up here, written by everybody."""

from headrace_server.telemetry.faults import CannotReport, note_loop, report_end, report_faults, tell_stray
from headrace_server.telemetry.logs import FORMATS, LEVELS, configure

__all__ = ["FORMATS", "LEVELS", "CannotReport", "configure", "note_loop", "report_end", "report_faults", "tell_stray"]
