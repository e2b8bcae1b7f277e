"""Runs a server in this process, or in several that share its socket; turns refusals into exit codes with a remedy."""

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from importlib.metadata import version
from typing import Any, Final

import uvloop

from headrace_server import app
from headrace_server.api import bind, url_of
from headrace_server.cli import checks, garbage
from headrace_server.cli.refusals import Refused
from headrace_server.config import Settings, SettingsError
from headrace_server.domain.errors import StoreFault
from headrace_server.engine import StoreMismatch
from headrace_server.store import StoreRefused
from headrace_server.telemetry import CannotReport, configure, report_end, report_faults, tell_stray

BACKLOG: Final = 2_048


def guarded(command: Callable[[], int]) -> int:
    """Return the exit code of a command: 78 for what somebody must change first, 69 for a store that is away.

    Whatever nobody expected is a fault of ours: its stack, and 70.
    """
    try:
        return command()
    except asyncio.CancelledError:
        return 0  # told to stop before it had started
    except Exception as error:  # noqa: BLE001 - the last line of defence: each end has its exit code
        return _told(error)


def _told(error: Exception) -> int:
    """Say why a command ended, and what to do; return the exit code."""
    cause = error
    while isinstance(cause, ExceptionGroup):  # a background duty failed; the others ended because of it
        cause = cause.exceptions[0]
    match cause:
        case SettingsError() | StoreMismatch():
            return _say(str(cause), os.EX_CONFIG)
        case Refused() | StoreRefused():
            return _say(str(cause), cause.exit_code)
        case StoreFault():
            return _say(f"The store failed: {cause.detail}", os.EX_UNAVAILABLE)
    report_end(cause)
    return _say("This is a fault of Headrace itself. Please report it with the log.", os.EX_SOFTWARE)


def run(settings: Settings) -> int:
    """Serve until a signal; return 0."""
    bound = open_door(settings)
    run_async(serve(settings, bound, ready=lambda: announce(bound)))
    return 0


def open_door(settings: Settings) -> socket.socket:
    """Check the settings, set up the logs, and return the listening socket; raises Refused.

    Who connects from here on waits in the socket's queue until the server is ready.
    """
    found = list(checks.faults(settings))
    if found:
        raise Refused("\n".join(found))
    watch_over(settings)
    try:
        bound = bind(settings.host, settings.port)
    except OSError as error:
        raise Refused(
            f"Cannot listen on {settings.host} port {settings.port}: {error.strerror or error}.\n{_remedy(error)}"
        ) from None
    bound.listen(BACKLOG)
    return bound


def watch_over(settings: Settings) -> None:
    """Set up the logs, and the reports of faults where they are wanted; raises Refused."""
    configure(settings.log_level, settings.log_format, checks.secrets(settings))
    if settings.sentry_dsn is None:
        return
    try:
        report_faults(settings.sentry_dsn, messages=settings.sentry_messages, release=f"headrace@{version('headrace')}")
    except CannotReport as fault:
        raise Refused(str(fault)) from None


def _remedy(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "Another program has it, perhaps another Headrace: choose another --port (0 takes a free one)."
        case errno.EACCES:
            return "Ports below 1024 need a privilege: choose another --port, and put a proxy in front of it."
    return "Choose an address of this machine: --host (HEADRACE_HOST)."


async def serve(
    settings: Settings,
    bound: socket.socket,
    *,
    ready: Callable[[], None],
    before_drain: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serve in this process or in `settings.processes` others."""
    if settings.processes == 1:
        await app.serve(settings, bound, ready=ready, before_drain=before_drain)
        return
    from headrace_server.cli.processes import serve_in_children

    await serve_in_children(settings, bound, ready=ready, before_drain=before_drain)


def run_async(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on the fast event loop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.get_loop().set_exception_handler(tell_stray)
        runner.run(main)


def announce(bound: socket.socket) -> None:
    """End the start: print the one line that says that the server is ready and where; programs wait for it."""
    garbage.settle_down()
    sys.stderr.write(f"listening on {url_of(bound)}\n")
    sys.stderr.flush()


def _say(text: str, code: int) -> int:
    sys.stderr.write(f"headrace: {text}\n")
    return code
