"""One of several server processes: `python -m headrace_server.cli.child SOCKET_FD READY_FD NUMBERS_FD ROW`."""

import contextlib
import os
import socket
import sys

from headrace_server import app
from headrace_server.cli import garbage, serve
from headrace_server.cli.processes import READY
from headrace_server.config import Settings


def main(argv: list[str]) -> int:
    """Serve on an inherited socket; say so on the pipe."""
    bound = socket.socket(fileno=int(argv[0]))
    tell, numbers, row = map(int, argv[1:])
    settings = Settings.read(os.environ)
    serve.watch_over(settings)
    serve.run_async(app.serve(settings, bound, ready=lambda: _say_ready(tell), row=row, numbers=numbers))
    return 0


def _say_ready(tell: int) -> None:
    garbage.settle_down()
    os.set_blocking(tell, False)
    with contextlib.suppress(OSError):  # the parent reads only at the first start
        os.write(tell, READY)


if __name__ == "__main__":
    sys.exit(serve.guarded(lambda: main(sys.argv[1:])))
