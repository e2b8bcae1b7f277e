"""run.py can be read by a Python that is too old, and says so."""

import ast
import subprocess
import sys

from tests.tidy.tree import ROOT, tree

RUN = ROOT / "run.py"
TOO_NEW = (
    ast.JoinedStr,
    ast.AnnAssign,
    ast.NamedExpr,
    ast.AsyncFunctionDef,
    ast.Await,
    ast.Match,
    ast.YieldFrom,
    ast.Nonlocal,
)


def test_it_keeps_to_the_syntax_of_python_2_7() -> None:
    assert [f"line {node.lineno}" for node in ast.walk(tree(RUN)) if isinstance(node, TOO_NEW)] == []
    for node in ast.walk(tree(RUN)):
        if isinstance(node, ast.arguments):
            arguments = [*node.posonlyargs, *node.args, *node.kwonlyargs]
            assert [arg.arg for arg in arguments if arg.annotation] + [arg.arg for arg in node.kwonlyargs] == []
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            assert not any(isinstance(item, ast.Starred) for item in node.elts), f"line {node.lineno}"
        if isinstance(node, ast.Raise):
            assert node.cause is None, f"line {node.lineno}"


def test_it_needs_nothing_but_the_standard_library() -> None:
    names = {alias.name for node in ast.walk(tree(RUN)) if isinstance(node, ast.Import) for alias in node.names}
    assert names <= sys.stdlib_module_names
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree(RUN)))


def test_a_python_that_is_too_old_is_told_so() -> None:
    pretend = "import runpy, sys; sys.version_info = (3, 10, 13); runpy.run_path(sys.argv[1], run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", pretend, str(RUN)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Headrace needs Python 3.11 or newer" in done.stderr
    assert "Traceback" not in done.stderr
