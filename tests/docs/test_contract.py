"""Every operation of the contract is shown in a guide, by a command that the tests run."""

import re
from collections.abc import Iterator

import yaml

from tests.docs.pages import blocks
from tests.docs.test_snippets import PAGES, ROOT

METHODS = ("get", "post", "put", "patch", "delete")
CALL = re.compile(r"""(?:\bapi |/v1/)["']?([^\s"'?]+)""")  # by the helper of the guides, or by curl itself
METHOD = re.compile(r"-X (\w+)")


def shown() -> Iterator[tuple[str, str]]:
    """Yield method and path below /v1/ of all calls in commands that are run."""
    for page in PAGES:
        for block in blocks(page):
            for line in block.text.splitlines() if block.role == "run" else ():
                named = METHOD.search(line)
                method = named[1] if named else "POST" if " -d " in line else "GET"
                yield from ((method, path) for path in CALL.findall(line))


def operations() -> Iterator[tuple[str, str]]:
    """Yield method and path below /v1/ of all operations."""
    for path, item in yaml.safe_load((ROOT / "openapi.yaml").read_text())["paths"].items():
        if path.startswith("/v1/"):
            yield from ((method.upper(), path.removeprefix("/v1/")) for method in METHODS if method in item)


def test_every_operation_is_shown() -> None:
    calls = set(shown())
    unshown = [
        f"{method} {path}"
        for method, path in operations()
        if not any(m == method and re.fullmatch(re.sub(r"{\w+}", "[^/]+", path), call) for m, call in calls)
    ]
    assert unshown == []
