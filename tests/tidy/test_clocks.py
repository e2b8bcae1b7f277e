"""Time is an argument; a clock is read in a few places, each with its reason."""

import ast

from tests.tidy.tree import PACKAGES, files, name, tree

WALL_CLOCKS = {
    "time.time",
    "time.time_ns",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
}
MAY_READ = {
    "client/headrace/context.py": "the end of a lease as an instant, for people; decisions go by seconds_left",
    "client/headrace/eager.py": "when an eager job came; nothing waits for it",
    "client/headrace/exceptions.py": "a task asks for an instant, and the server takes a wait from its own now on",
    "client/headrace/relay/delivery.py": "a signature for DingTalk says when it was made",
    "workers/headrace_worker/about.py": "when the worker started, for people",
    "workers/headrace_worker/run.py": "when a span of OpenTelemetry ended, for people; nothing waits for it",
    "workers/headrace_worker/sentry.py": "when a span of Sentry began and ended, for people; nothing waits for it",
    "server/headrace_server/engine/routing.py": "the time in a job's id sorts ids, and decides nothing",
}


def calls(names: set[str], *packages: str) -> list[str]:
    """Return where something of `names` is called, or named to be called later, in the packages."""
    return [
        f"{name(path)}: {found}"
        for path in files(".py")
        if any(path.is_relative_to(PACKAGES[package]) for package in packages)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and (found := ast.unparse(node)) in names
    ]


def test_the_wall_clock_is_read_only_where_it_is_named() -> None:
    found = calls(WALL_CLOCKS, *PACKAGES)
    assert [line for line in found if line.partition(":")[0] not in MAY_READ] == []


def test_no_place_is_named_in_vain() -> None:
    found = {line.partition(":")[0] for line in calls(WALL_CLOCKS, *PACKAGES)}
    assert set(MAY_READ) - found == set()
