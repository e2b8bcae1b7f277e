"""Notices that files of the app have changed (`--reload`), from within a child, which knows what it has imported.

For development: it looks at the files' times, twice a second. It must not know what is done about a change.
"""

import os
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from headrace_worker import bounds

_NOT_THE_APPS: Final = tuple(
    str(Path(sysconfig.get_path(name))) + "/" for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


def watch(changed: Callable[[list[str]], None], since_ns: int) -> None:
    """Call `changed`, once and from a thread of its own, with the files of imported modules that are other ones now.

    `since_ns`: a `moment_ns` before the imports. What was written since then may have been read before or after.
    """
    threading.Thread(target=_watch, args=(changed, since_ns), name="headrace-reload", daemon=True).start()


def moment_ns() -> int:
    """Return the present time as files are stamped with it."""
    with tempfile.TemporaryFile() as file:
        return os.fstat(file.fileno()).st_mtime_ns


def app_files() -> dict[str, int]:
    """Return the files of imported modules that belong to no installed package, each with the time of its change, ns.

    A file that is not there counts as one of time 0.
    """
    modules = list(sys.modules.values())
    files = {file for module in modules if isinstance(file := getattr(module, "__file__", None), str)}
    return {file: _changed_ns(file) for file in files if not file.startswith(_NOT_THE_APPS)}


def _watch(changed: Callable[[list[str]], None], since_ns: int) -> None:
    present_ns = moment_ns()  # a file from the future, off another machine, is none that was written since
    known = {file: 0 if since_ns <= at <= present_ns else at for file, at in app_files().items()}
    while True:
        time.sleep(bounds.RELOAD_LOOK_S)
        now = app_files()
        other = sorted(file for file, at in now.items() if at != known.get(file, at))
        if other:
            changed(other)
            return
        known = now


def _changed_ns(file: str) -> int:
    try:
        return Path(file).stat().st_mtime_ns
    except OSError:
        return 0
