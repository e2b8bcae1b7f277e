"""What lies in this repository: its files, their text, and who imports whom."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "headrace": ROOT / "client/headrace",
    "headrace_worker": ROOT / "workers/headrace_worker",
    "headrace_server": ROOT / "server/headrace_server",
}
LUA = ROOT / "server/headrace_server/engine/lua"


@cache
def files(*suffixes: str) -> list[Path]:
    """Return the files of the repository, committed or about to be, with one of `suffixes`; all files for none."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    found = [ROOT / name for name in listed.split("\0") if name]
    return sorted(path for path in found if path.is_file() and (not suffixes or path.suffix in suffixes))


def name(path: Path) -> str:
    """Return a path as seen from the root."""
    return path.relative_to(ROOT).as_posix()


@cache
def text(path: Path) -> str:
    """Return a file's text; a file that is not UTF-8 is a picture or the like, and empty here."""
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""


@cache
def tree(path: Path) -> ast.Module:
    """Return a Python file's syntax tree."""
    return ast.parse(text(path), str(path))


def modules() -> dict[str, Path]:
    """Return every module of the three packages by its dotted name."""
    return {
        dotted(package, path, folder): path
        for package, folder in PACKAGES.items()
        for path in files(".py")
        if path.is_relative_to(folder)
    }


def dotted(package: str, path: Path, folder: Path) -> str:
    """Return the dotted name of a module of a package that lies in `folder`."""
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join((package, *(part for part in parts if part != "__init__")))


def imports(path: Path) -> Iterator[str]:
    """Yield what a file imports, absolutely: `a.b` for `import a.b`, `a.b` and `a.b.c` for `from a.b import c`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(path, node)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _absolute(path: Path, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    for package, folder in PACKAGES.items():
        if path.is_relative_to(folder):
            here = dotted(package, path.parent / "__init__.py", folder).split(".")
            base = here[: len(here) - node.level + 1]
            return ".".join([*base, *([node.module] if node.module else [])])
    return node.module or ""
