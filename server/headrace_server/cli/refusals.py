"""The server does not start: the exception that carries the reason and the exit code."""

import os


class Refused(Exception):
    """The text says why, and what to do."""

    exit_code: int = os.EX_CONFIG
