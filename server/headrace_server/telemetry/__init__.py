"""Logs and reports of faults (later metrics and traces): set up here, written by everybody."""

from headrace_server.telemetry.faults import CannotReport, report_end, report_faults
from headrace_server.telemetry.logs import FORMATS, LEVELS, configure

__all__ = ["FORMATS", "LEVELS", "CannotReport", "configure", "report_end", "report_faults"]
