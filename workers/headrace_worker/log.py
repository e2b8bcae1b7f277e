"""Log lines that people can read and machines can split, in the server's format: `ts=... msg="lease lost" job=...`."""

import json
import logging
import sys
import time
from typing import Final

LOGGER: Final = logging.getLogger("headrace.worker")
LEVELS: Final = ("debug", "info", "warning", "error")

# Loggers that tell of every request: one line for each job is for our own logger to write.
_CHATTY: Final = ("asyncio", "httpcore", "httpx")
_PLAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+.:/@,*[]{}()<>?!%&;#$^~|`'")


def configure(level: str) -> None:
    """Send the logs of this process to stderr; what user code logs goes the same way."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


class LineFormatter(logging.Formatter):
    """One record, one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return time, level, logger, message, the facts of our own events, and the stack of an exception."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        facts = {
            "ts": f"{at}.{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            facts["stack"] = self.formatException(record.exc_info)
        return " ".join(f"{name}={_word(value)}" for name, value in facts.items() if value is not None)


def line(level: int, event: str, **facts: object) -> None:
    """Log one event; a fact that is None is left out."""
    if LOGGER.isEnabledFor(level):
        LOGGER.log(level, event, extra={"facts": facts})


def debug(event: str, **facts: object) -> None:
    """Log what only a developer wants to see."""
    line(logging.DEBUG, event, **facts)


def info(event: str, **facts: object) -> None:
    """Log what an operator wants to see once."""
    line(logging.INFO, event, **facts)


def warning(event: str, **facts: object) -> None:
    """Log what an operator may have to look at."""
    line(logging.WARNING, event, **facts)


def error(event: str, **facts: object) -> None:
    """Log what an operator has to look at."""
    line(logging.ERROR, event, **facts)


def _word(value: object) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return text if text and _PLAIN.issuperset(text) else json.dumps(text, ensure_ascii=False)
