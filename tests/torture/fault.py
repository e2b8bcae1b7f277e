"""What a judge finds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One broken promise."""

    rule: str  # G1, ...; or the name of what is promised without a number
    about: str  # job id or uid
    text: str
