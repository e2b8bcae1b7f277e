"""Payloads as they are typed: JSON, a file of it, or standard input."""

import json
import sys
from pathlib import Path
from typing import Any

from headrace.commands._common import UsageError
from headrace.words import ABSENT


def payload_of(text: str | None) -> Any:
    """Return the value that was typed, ABSENT for None. Raises UsageError."""
    if text is None:
        return ABSENT
    source = "the payload"
    if text == "-":
        source, text = "standard input", sys.stdin.read()
    elif text.startswith("@"):
        source, text = text[1:], _file(text[1:])
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        hint = "; a text needs quotes of its own: '\"text\"'" if source == "the payload" else ""
        raise UsageError(f"{source} is not JSON ({error}){hint}") from None


def _file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} has no place in JSON")
