"""docs/operations/settings.md, made from the settings themselves; `make docs` writes it, a test compares it."""

import dataclasses
from enum import Enum

from headrace_server.config import Settings, env_name

from tests.tidy.tree import ROOT

PAGE = ROOT / "docs/operations/settings.md"
INTRODUCTION = """\
# Settings of the server

Made from `server/headrace_server/config.py` by `make docs`; a test compares the two.

Every setting is an environment variable; the common ones are flags of `headrace server` and `headrace up` too, and a
flag wins. Lists are separated by commas. Secrets have no default here and never appear in logs, and those that are more
than an address should come by the environment: other users of a machine can read a command line.

| Variable | Flag | Default | Meaning |
|---|---|---|---|
"""


def page() -> str:
    """Return the text of the page."""
    return INTRODUCTION + "".join(row(field) for field in dataclasses.fields(Settings))


def row(field: "dataclasses.Field[object]") -> str:
    """Return one line of the table."""
    flag = f"`{field.metadata['flag']}`" if field.metadata["flag"] else ""
    secret = " Secret." if field.metadata["secret"] else ""
    return f"| `{env_name(field.name)}` | {flag} | {shown(field.default)} | {field.metadata['meaning']}{secret} |\n"


def shown(default: object) -> str:
    """Return a default as a user writes it; nothing for none."""
    if default is None or default == ():
        return ""
    if isinstance(default, bool):
        return "`1`" if default else "`0`"
    return f"`{default.value if isinstance(default, Enum) else default}`"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
