"""The flags of `headrace worker`: their names, what they take, and what they say when it is something else."""

import argparse
import re
from typing import Final

from headrace.addresses import address
from headrace.lines import FORMATS

from headrace_worker import bounds, childflags

_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,128}")
_LABEL: Final = re.compile(r"([A-Za-z0-9_.\-]{1,64})=([^\x00-\x1f\x7f]{1,128})")


def add(parser: argparse.ArgumentParser) -> None:
    """Add all of them."""
    parser.add_argument("app", metavar="MODULE:APP", help="a headrace.App in a module, also one in the current folder")
    _add_leasing(parser)
    _add_running(parser)
    _add_operating(parser)


def _add_leasing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--queues",
        type=_queues,
        default=(),
        metavar="A,B",
        help="queues to lease from, the first before the others (default: those of the app's tasks)",
    )
    parser.add_argument(
        "--exclude", type=_names, default=(), metavar="A,B", help="queues to leave to other workers (default: none)"
    )
    parser.add_argument(
        "--url",
        metavar="URL[,URL]",
        help="the server, or several of them: the next one is asked when one does not answer "
        "(default: HEADRACE_URL, else http://127.0.0.1:8080)",
    )
    parser.add_argument(
        "--name", type=_name, help="the worker's id, unique among running workers (default: host-pid-random)"
    )
    parser.add_argument(
        "--label",
        type=_label,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="something to tell with the worker in `headrace workers`, for instance release=41; may be repeated",
    )


def _add_running(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--threads",
        type=_slots,
        default=bounds.DEFAULT_THREADS,
        metavar="N",
        help="jobs at a time: plain tasks on threads, async ones on one event loop (default: %(default)s)",
    )
    childflags.add(parser)
    parser.add_argument(
        "--no-schedules",
        dest="schedules",
        action="store_false",
        help="leave what the app says is periodic to `headrace schedules apply` (default: told at the start)",
    )


def _add_operating(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--drain-timeout",
        type=_seconds,
        default=bounds.DRAIN_S,
        metavar="S",
        help="seconds for running jobs to finish at a stop (default: %(default)g)",
    )
    parser.add_argument(
        "--health-port",
        type=address,
        metavar="[HOST:]PORT",
        help="answer /livez, /readyz and /metrics there (default: nowhere; without a host: 127.0.0.1)",
    )
    parser.add_argument(
        "--log-format",
        choices=FORMATS,
        help="text, logfmt, or json with the names of ECS (default: HEADRACE_LOG_FORMAT, else text on a terminal and "
        "logfmt elsewhere)",
    )
    parser.add_argument(
        "--log-level", default="info", choices=("debug", "info", "warning", "error"), help="(default: %(default)s)"
    )


def _queues(text: str) -> tuple[str, ...]:
    names = _names(text)
    if len(names) > bounds.LEASE_QUEUES:
        raise argparse.ArgumentTypeError(f"give at most {bounds.LEASE_QUEUES} names")
    return names


def _names(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    for name in names:
        _name(name)
    if not names:
        raise argparse.ArgumentTypeError("give one name or several, separated by commas")
    return names


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r}: 1 to 128 letters, digits, '_', '.' and '-'")
    return text


def _label(text: str) -> tuple[str, str]:
    found = _LABEL.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r}: KEY=VALUE, with 1 to 64 and 1 to 128 characters")
    return found[1], found[2]


def _slots(text: str) -> int:
    number = childflags.whole(text)
    if not 1 <= number <= bounds.MAX_THREADS:
        raise argparse.ArgumentTypeError(f"from 1 to {bounds.MAX_THREADS}, not {number}")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"a number of seconds, not {text}")
    return number
