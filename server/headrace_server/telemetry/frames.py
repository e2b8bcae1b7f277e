"""The stack of a fault without a message, for messages repeat what clients sent; pure."""

import traceback
from typing import Final

DEEPEST: Final = 10  # faults in a chain, or in a group, that are shown


def frames(fault: BaseException | None) -> str:
    """Return the stacks of a fault and of what led to it, the oldest first, as Python shows them but for messages."""
    shown: list[str] = []
    while fault is not None and len(shown) < DEEPEST:
        stack = "".join(traceback.format_tb(fault.__traceback__))
        shown.insert(0, f"Traceback (most recent call last):\n{stack}{type(fault).__qualname__}")
        fault = _before(fault)
    return "\n\n".join(shown)


def _before(fault: BaseException) -> BaseException | None:
    """Return what led to a fault; of several at a time the first."""
    if isinstance(fault, BaseExceptionGroup):
        return fault.exceptions[0]
    return fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
