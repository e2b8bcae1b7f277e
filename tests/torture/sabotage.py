"""`headrace` with the token check taken out of its scripts: a control, which the torture must find guilty.

python -m tests.torture.sabotage server ...
"""

import functools
import sys

from headrace.cli import main
from headrace_server.engine import engine, scripts

CHECK = "job.k == token and job.s == 'leased'"
NO_CHECK = "job.k and job.s == 'leased'"


def break_token_check() -> None:
    """Let any token settle a leased job."""
    verdict = scripts.read_files()["verdict"]
    assert CHECK in verdict, "the script has changed: find its token check anew"
    broken = {"verdict": verdict.replace(CHECK, NO_CHECK)}
    vars(engine)["load_scripts"] = functools.partial(scripts.load_scripts, overrides=broken)


if __name__ == "__main__":
    break_token_check()
    sys.exit(main())
