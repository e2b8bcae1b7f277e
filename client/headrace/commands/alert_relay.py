"""The command that hands alerts from Alertmanager to the robots of WeCom and DingTalk."""

import argparse
import os
import sys
from typing import TYPE_CHECKING, Final

from headrace.commands._common import OK

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.relay.settings import RelaySettings

EX_CONFIG: Final = 78  # sysexits.h: it will not work until somebody changes something
LEVELS: Final = ("debug", "info", "warning", "error")
FORMAT_VARIABLE: Final = "HEADRACE_LOG_FORMAT"

_EPILOG: Final = """
examples:
  HEADRACE_WECOM_KEY_FILE=/run/secrets/wecom headrace alert-relay
  headrace alert-relay --listen 0.0.0.0:9096 --log-format json

Alertmanager's webhooks go to http://127.0.0.1:9096/wecom and /dingtalk; /livez is for probes. Keys come by the
environment, or by files that it names with _FILE behind the name:
  HEADRACE_WECOM_KEY        what stands behind key= in the robot's address
  HEADRACE_DINGTALK_TOKEN   what stands behind access_token= in the robot's address
  HEADRACE_DINGTALK_SECRET  the SEC... of its signature, where it asks for one
  HEADRACE_RELAY_TOKEN      what Alertmanager must bring as bearer token; needed on any address but loopback

exit codes:
  0   stopped as asked
  2   wrong usage
  78  a setting cannot work, or the address is taken: the message says which
"""


def register(commands: "Commands") -> None:
    """Add the command."""
    from headrace.addresses import address
    from headrace.lines import FORMATS

    parser = commands.add_parser(
        "alert-relay",
        help="hand alerts from Alertmanager to robots of WeCom and DingTalk",
        description="Hand alerts from Alertmanager to robots of WeCom and DingTalk.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--listen",
        type=address,
        default="127.0.0.1:9096",
        metavar="[HOST:]PORT",
        help="where Alertmanager reaches it; 0 takes a free port (default: %(default)s)",
    )
    parser.add_argument(
        "--log-format",
        choices=FORMATS,
        default=os.environ.get(FORMAT_VARIABLE, "auto"),
        help="text, logfmt, or json with the names of ECS (default: HEADRACE_LOG_FORMAT, else text on a terminal and "
        "logfmt elsewhere)",
    )
    parser.add_argument("--log-level", default="info", choices=LEVELS, help="(default: %(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Relay until a signal; return the exit code."""
    import asyncio

    from headrace.relay import service, settings

    try:
        found = settings.read(os.environ)
        if not (found.token or args.listen.is_loopback):
            raise settings.Misconfigured(
                f"others reach {args.listen.host}: set {settings.RELAY_TOKEN} (or {settings.RELAY_TOKEN}_FILE) and "
                "have Alertmanager send it, or anybody can write into your chat"
            )
        _log_to_stderr(args, found)
        asyncio.run(service.run(found, args.listen.host, args.listen.port))
    except settings.Misconfigured as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"cannot listen on {args.listen.host}:{args.listen.port}: {error.strerror or error}")
    return OK


def _log_to_stderr(args: argparse.Namespace, found: "RelaySettings") -> None:
    import logging

    from headrace.lines import LineFormatter

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter("alert-relay", args.log_format, found.secrets))
    logging.basicConfig(level=args.log_level.upper(), handlers=[handler], force=True)
    for chatty in ("asyncio", "httpcore", "httpx"):  # they tell of every request, with its address
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _refuse(why: str) -> int:
    sys.stderr.write(f"headrace alert-relay: {why}\n")
    return EX_CONFIG
