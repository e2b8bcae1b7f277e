"""What tasks are called: `module.function`, as a worker imports it, unless they say otherwise."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,128}")


def default_name(fn: Callable[..., Any], main: str | None = None) -> str:
    """Return module.function; in a script, `main`.function, or as a worker imports it."""
    module = fn.__module__
    if module == "__main__":
        script = Path(getattr(sys.modules["__main__"], "__file__", None) or "").stem
        module = main or (script if _NAME.fullmatch(script) else module)  # no name: a prompt, or "<stdin>"
    return f"{module}.{fn.__name__}"


def checked_name(name: str, *, of: str = "task") -> str:
    """Return the name of a task (or what `of` says). Raises ValueError for one that the server would refuse."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{of} name {name!r}: 1 to 128 letters, digits, '_', '.' and '-', please give name=")
    return name


def limit_key(task: str) -> str:
    """Return the limit under which the runs of a task with a `rate_limit` are counted."""
    return f"task:{task}"
