"""From arguments to a running worker: logging, signals, exit code; here the parts become a command."""

import argparse
import asyncio
import contextlib
import logging
import signal
import sys

from headrace_worker import registry
from headrace_worker.cli import EX_CONFIG
from headrace_worker.hands import AppFailed, Hands
from headrace_worker.inline import InlineHands
from headrace_worker.process import ProcessHands
from headrace_worker.worker import Worker, WorkerSettings


def run(args: argparse.Namespace) -> int:
    """Run a worker until a signal; return its exit code."""
    logging.basicConfig(
        level=args.log_level.upper(), format="%(asctime)s %(levelname)-7s %(name)s %(message)s", stream=sys.stderr
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)  # one line for every request is too many
    settings = WorkerSettings(url=args.url, queues=args.queues, name=args.name, grace_s=args.grace)
    try:
        return asyncio.run(_run(settings, make_hands(args.app, args.threads, args.processes)))
    except AppFailed as error:
        sys.stderr.write(f"headrace worker: {error}\n")
        return EX_CONFIG
    except ValueError as error:  # the server's address
        sys.stderr.write(f"headrace worker: {error}\n")
        return EX_CONFIG


def make_hands(app: str, threads: int, processes: int) -> Hands:
    """Return what runs the jobs of `module:app`."""
    if processes:
        return ProcessHands(app, threads)
    return InlineHands(lambda: registry.handlers(registry.load(app)), threads)


async def _run(settings: WorkerSettings, hands: Hands) -> int:
    worker = Worker(settings, hands)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError):  # not in the main thread: the caller stops us
            loop.add_signal_handler(number, worker.stop)
    return await worker.run()
