"""From arguments to a running worker: logging, signals, exit code; here the parts become a command."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from typing import Final

from headrace import loading

from headrace_worker import bounds, childflags, garbage, log, reporting, spans
from headrace_worker.crew import PoolSettings
from headrace_worker.hands import AppFailed, Hands
from headrace_worker.inline import InlineHands
from headrace_worker.parts import Misconfigured
from headrace_worker.pool import Pool
from headrace_worker.probes import CannotListen
from headrace_worker.worker import Worker, WorkerSettings, make_id

EX_CONFIG: Final = 78  # sysexits.h: it will not work until somebody changes something


def run(args: argparse.Namespace) -> int:
    """Run a worker until a signal; return its exit code."""
    args.name = os.environ[log.WORKER_VARIABLE] = args.name or make_id()  # its children inherit it, for their logs
    if args.log_format:
        os.environ[log.FORMAT_VARIABLE] = args.log_format  # likewise
    log.configure(args.log_level)
    if args.url:
        os.environ["HEADRACE_URL"] = args.url  # likewise: tasks that call tasks go to the same server
    try:
        reporting.start()
        if args.processes:  # else user code runs here
            garbage.settle_down()
            garbage.be_patient()
        return asyncio.run(_run(make_settings(args), make_hands(args)))
    except (
        AppFailed,
        CannotListen,
        Misconfigured,
        reporting.CannotReport,
        ValueError,
    ) as error:  # ValueError: the server's address
        sys.stderr.write(f"headrace worker: {error}\n")
        return EX_CONFIG
    except Exception as error:
        reporting.fault(error)
        raise
    finally:
        spans.close()
        reporting.close()


def make_settings(args: argparse.Namespace) -> WorkerSettings:
    """Return what the flags say of the worker itself. Raises Misconfigured."""
    if len(args.label) > bounds.LABELS:
        raise Misconfigured(f"{len(args.label)} labels, and at most {bounds.LABELS} are told")
    return WorkerSettings(
        url=args.url,
        queues=args.queues,
        exclude=args.exclude,
        name=args.name,
        labels=dict(args.label),
        drain_s=args.drain_timeout,
        health=args.health_port,
    )


def make_hands(args: argparse.Namespace) -> Hands:
    """Return what runs the jobs of `module:app`. Raises Misconfigured."""
    if vain := childflags.in_vain(args):
        raise Misconfigured(f"{' and '.join(vain)}: there is no child process to replace with --processes 0")
    if args.processes == 0:
        return InlineHands(lambda: loading.load(args.app), args.threads, tells_plan=args.schedules)
    fewest, most = args.autoscale or (args.processes, None)
    return Pool(
        PoolSettings(
            app=args.app,
            processes=fewest,
            most_processes=most,
            threads=args.threads,
            log_level=args.log_level,
            max_tasks=args.max_tasks_per_child,
            max_memory_bytes=args.max_memory_per_child,
            reload=args.reload,
            tells_plan=args.schedules,
        )
    )


async def _run(settings: WorkerSettings, hands: Hands) -> int:
    worker = Worker(settings, hands)
    loop = asyncio.get_running_loop()
    wishes = {signal.SIGTERM: worker.stop, signal.SIGINT: worker.stop, signal.SIGQUIT: worker.stop_at_once}
    for number, wish in wishes.items():
        with contextlib.suppress(RuntimeError):  # not in the main thread: the caller stops us
            loop.add_signal_handler(number, wish)
    return await worker.run()
