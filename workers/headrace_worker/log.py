"""Log lines that people can read and machines can split: `leased jobs=3 queue=mail`."""

import logging
from typing import Final

LOGGER: Final = logging.getLogger("headrace.worker")


def line(level: int, event: str, **facts: object) -> None:
    """Log one event; a fact that is None is left out, one with spaces is quoted."""
    if LOGGER.isEnabledFor(level):
        words = [f"{name}={_word(value)}" for name, value in facts.items() if value is not None]
        LOGGER.log(level, "%s", " ".join([event, *words]))


def info(event: str, **facts: object) -> None:
    """Log what an operator wants to see once."""
    line(logging.INFO, event, **facts)


def warning(event: str, **facts: object) -> None:
    """Log what an operator may have to look at."""
    line(logging.WARNING, event, **facts)


def error(event: str, **facts: object) -> None:
    """Log what an operator has to look at."""
    line(logging.ERROR, event, **facts)


def debug(event: str, **facts: object) -> None:
    """Log what only a developer wants to see."""
    line(logging.DEBUG, event, **facts)


def _word(value: object) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return text if text and not any(c.isspace() or c in '"=' for c in text) else repr(text)
