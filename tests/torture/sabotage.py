"""`headrace` with checks taken out of its scripts: controls, which the torture must find guilty.

python -m tests.torture.sabotage CHECK,... server ...
"""

import functools
import sys

from headrace.cli import main
from headrace_server.engine import engine, scripts

# name of a check: the file, what does it, what is put there instead
CHECKS = {
    "token": ("verdict", "job.k == token and job.s == 'leased'", "job.k and job.s == 'leased'"),
    "limits": (
        "gates",
        "if found.concurrency and leased_under(limit) >= found.concurrency then return math.huge end",
        "",
    ),
    "concurrency": ("gates", "if own.concurrency then room", "if false then room"),
    "rates": ("gates", "if found.interval_us and tokens(limit", "if false and tokens(limit"),
    "pause": ("gates", "if is_paused(queue) then return 0 end", ""),
    "ordering": ("options", "if state == 'leased' then", "if false then"),
}


def take_out(names: list[str]) -> None:
    """Let this process load scripts without these checks."""
    broken = dict(scripts.read_files())
    for name in names:
        file, check, instead = CHECKS[name]
        assert check in broken[file], f"the script has changed: find its check of {name} anew"
        broken[file] = broken[file].replace(check, instead)
    vars(engine)["load_scripts"] = functools.partial(scripts.load_scripts, overrides=broken)


if __name__ == "__main__":
    take_out(sys.argv.pop(1).split(","))
    sys.exit(main())
