"""Which metrics an expression of PromQL asks for, and by which labels; tokens suffice for that, no grammar."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"""
      (?P<string> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' )
    | (?P<range>  \[[^\]]*\] )
    | (?P<number> (?<![\w:]) [\d.]+ \w* )                 # and durations
    | (?P<name>   [A-Za-z_:] [\w:]* )
    | (?P<sign>   =~ | !~ | != | [^\s\w] )
    """,
    re.VERBOSE,
)
_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}  # of labels, in parentheses
_WORDS = _LISTS | {"and", "or", "unless", "bool", "offset", "inf", "nan"}


@dataclass
class Use:
    """A metric in an expression, with the labels of its selector."""

    metric: str
    labels: set[str] = field(default_factory=set)


@dataclass
class Asked:
    """What an expression asks for."""

    uses: list[Use] = field(default_factory=list)
    grouping: set[str] = field(default_factory=set)  # labels of `by`, `on` and the like


def asked(expr: str) -> Asked:
    """Return what an expression asks for. Variables of Grafana may stand in strings and ranges."""
    tokens = list(_tokens(expr))
    found = Asked()
    listing = selecting = False
    for (kind, text), (_, after) in zip(tokens, [*tokens[1:], ("", "")], strict=True):
        if text in "{}":
            selecting = text == "{"
        elif text == ")":
            listing = False
        elif kind == "name" and listing:
            found.grouping.add(text)
        elif kind == "name" and selecting:
            found.uses[-1].labels.add(text)
        elif text in _LISTS:
            listing = True
        elif kind == "name" and text not in _WORDS and after not in ("(", "by", "without"):
            found.uses.append(Use(text))
    return found


def _tokens(expr: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(expr):
        assert match.lastgroup
        yield match.lastgroup, match[0]
