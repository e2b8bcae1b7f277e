"""What may not stand in any file of this repository."""

import ast
import re
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT, files, name, text, tree

SELF = Path(__file__)
ALLOWED_HOSTS = {
    "localhost",
    "127.0.0.1",
    "json-schema.org",
    "spdx.org",
    "www.apache.org",
    "www.w3.org",
    "www.rfc-editor.org",
    "datatracker.ietf.org",
    "keepachangelog.com",
    "semver.org",
    "www.standardwebhooks.com",
    "qyapi.weixin.qq.com",  # the robots that `headrace alert-relay` tells
    "oapi.dingtalk.com",
    "opentelemetry.io",  # names the conventions that spans follow
}
RESERVED = re.compile(r"(^|\.)(example|invalid|test)(\.(com|org|net))?$")  # RFC 2606: nobody's
VENDORED = ("server/headrace_server/api/static/",)
CODE = {".py", ".lua", ".md", ".toml", ".yaml", ".yml", ".sh", ".mjs", ".txt", ".c", ""}


def ours() -> list[Path]:
    """Return the files that we wrote ourselves, but this one: it spells what it forbids."""
    return [
        p
        for p in files()
        if p.suffix in CODE and not name(p).startswith(VENDORED) and p not in {SELF, ROOT / "LICENSE"}
    ]


def shipped() -> list[Path]:
    """Return the files that users read: all but the tests."""
    return [path for path in ours() if not name(path).startswith("tests/")]


def where(pattern: str, paths: list[Path]) -> list[str]:
    return [
        f"{name(path)}:{number}: {found[0]}"
        for path in paths
        for number, line in enumerate(text(path).splitlines(), 1)
        if (found := re.search(pattern, line))
    ]


def test_no_path_of_somebodys_machine() -> None:
    assert where(r"(?<![\w.])/(root|home|Users|work|opt|workspace)/\w+", ours()) == []


def test_no_host_of_somebodys_network() -> None:
    hosts = {
        (name(p), h) for p in ours() for h in re.findall(r"\bhttps?://(?:[^\s/@\"']*@)?([A-Za-z][\w.-]*\w)", text(p))
    }
    strange = [(p, h) for p, h in hosts if h not in ALLOWED_HOSTS and "." in h and not RESERVED.search(h)]
    assert sorted(strange) == []


def test_no_private_address() -> None:
    assert where(r"\b(10\.\d+\.\d+\.\d+|192\.168\.\d+\.\d+|172\.(1[6-9]|2\d|3[01])\.\d+\.\d+)\b", shipped()) == []


def test_nothing_is_promised_that_nobody_can_keep() -> None:
    assert where(r"(?i)exactly[ -]once", shipped()) == []


def test_nothing_is_left_for_later_in_a_comment() -> None:
    assert where(r"\b(TODO|FIXME|XXX|HACK)\b", ours()) == []


def test_no_secret() -> None:
    assert where(r"-----BEGIN|\b(ghp|pypi|sk)[-_][A-Za-z0-9]{20,}", ours()) == []


def test_every_text_file_ends_with_a_newline_and_has_no_trailing_spaces() -> None:
    assert [name(path) for path in ours() if text(path) and not text(path).endswith("\n")] == []
    assert where(r"[ \t]+$", [path for path in ours() if path.suffix != ".md"]) == []


@pytest.mark.parametrize("mark", ["skip", "skipif", "xfail"])
def test_every_mark_that_spares_a_test_gives_its_reason(mark: str) -> None:
    silent = [
        f"{name(path)}:{node.lineno}"
        for path in files(".py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == f"pytest.mark.{mark}" and not has_reason(path, node)
    ]
    assert silent == []


def test_every_call_that_skips_gives_its_reason() -> None:
    silent = [
        f"{name(path)}:{node.lineno}"
        for path in files(".py")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.skip" and not (node.args or node.keywords)
    ]
    assert silent == []


def has_reason(path: Path, mark: ast.Attribute) -> bool:
    return any(
        isinstance(node, ast.Call) and node.func is mark and any(word.arg == "reason" for word in node.keywords)
        for node in ast.walk(tree(path))
    )
