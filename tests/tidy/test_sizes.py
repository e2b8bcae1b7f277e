"""A file fits in a head, a function on a screen."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tidy.tree import files, name, text, tree

MAX_LINES = {".py": 300, ".lua": 100}
MAX_FUNCTION_LINES = 40


@pytest.mark.parametrize("suffix", MAX_LINES)
def test_no_file_is_too_long(suffix: str) -> None:
    long = {name(path): len(text(path).splitlines()) for path in files(suffix)}
    assert {path: n for path, n in long.items() if n > MAX_LINES[suffix]} == {}


def test_no_function_is_too_long() -> None:
    long = [f"{where}: {lines} lines" for path in files(".py") for where, lines in functions(path)]
    assert [line for line in long if int(line.split()[-2]) > MAX_FUNCTION_LINES] == []


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield each function and the number of its lines, without its signature and its docstring."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            yield f"{name(path)}:{node.lineno} {node.name}", body[-1].end_lineno - body[0].lineno + 1 if body else 0
