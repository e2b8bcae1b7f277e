"""Runs a command until its own standard input ends, and ends the command then.

`python -m headrace.testing.keeper COMMAND ...`: so the command does not outlive the process at the other end of the
pipe, however that one ended. It must not import more than it needs: it starts before each test run.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Final

_STOP_S: Final = 15.0


def main(argv: Sequence[str]) -> int:
    """Run `argv` and return its exit code, or 0 where the end of the input ended it."""
    child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True)
    asked = threading.Event()
    threading.Thread(target=_end_with_input, args=(child, asked), daemon=True).start()
    code = child.wait()
    return 0 if asked.is_set() else code


def _end_with_input(child: "subprocess.Popen[bytes]", asked: threading.Event) -> None:
    sys.stdin.buffer.read()
    asked.set()
    child.terminate()
    try:
        child.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
