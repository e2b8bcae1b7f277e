"""From arguments to a running worker: logging, signals, exit code; here the parts become a command."""

import argparse
import asyncio
import contextlib
import signal
import sys
from typing import Final

from headrace_worker import log, registry
from headrace_worker.hands import AppFailed, Hands
from headrace_worker.inline import InlineHands
from headrace_worker.process import ProcessHands
from headrace_worker.worker import Worker, WorkerSettings

EX_CONFIG: Final = 78  # sysexits.h: it will not work until somebody changes something


def run(args: argparse.Namespace) -> int:
    """Run a worker until a signal; return its exit code."""
    log.configure(args.log_level)
    settings = WorkerSettings(url=args.url, queues=args.queues, name=args.name, grace_s=args.grace)
    try:
        return asyncio.run(_run(settings, make_hands(args)))
    except AppFailed as error:
        sys.stderr.write(f"headrace worker: {error}\n")
        return EX_CONFIG
    except ValueError as error:  # the server's address
        sys.stderr.write(f"headrace worker: {error}\n")
        return EX_CONFIG


def make_hands(args: argparse.Namespace) -> Hands:
    """Return what runs the jobs of `module:app`."""
    if args.processes:
        return ProcessHands(args.app, args.threads, log_level=args.log_level)
    return InlineHands(lambda: registry.handlers(registry.load(args.app)), args.threads)


async def _run(settings: WorkerSettings, hands: Hands) -> int:
    worker = Worker(settings, hands)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # not in the main thread: the caller stops us
            loop.add_signal_handler(number, worker.stop)
    return await worker.run()
