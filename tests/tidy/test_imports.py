"""Who may import whom, where import-linter cannot say it; and nothing lies about that nobody uses."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from tests.tidy.tree import PACKAGES, ROOT, files, imports, modules, name, text, tree

PROJECT = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]
ENTRY_POINTS = {
    target.partition(":")[0]
    for group in (PROJECT["scripts"], *PROJECT["entry-points"].values())
    for target in group.values()
}
STANDARDS = {"headrace_server.domain.tokens"}  # a table that scripts hold in Lua; the model in the tests decides by it
FOUND_BY_DJANGO = re.compile(r"headrace\.contrib\.django\.(apps|worker|management\.commands\.\w+)")
SHOWN = {f"headrace.contrib.{name}" for name in ("django", "fastapi", "flask")}  # a guide has applications import them
FORBIDDEN = {
    "headrace": ("headrace_server", "headrace_worker"),
    "headrace_worker": ("headrace_server",),
    "headrace_server": ("headrace", "headrace_worker"),
}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_packages_keep_to_themselves(package: str) -> None:
    paths = [path for path in files(".py") if path.is_relative_to(PACKAGES[package])]
    crossings = [
        f"{name(path)} imports {module}"
        for path in paths
        for module in imports(path)
        if module.partition(".")[0] in FORBIDDEN[package]
    ]
    assert crossings == []


def test_the_worker_uses_only_the_public_names_of_the_client() -> None:
    paths = [path for path in files(".py") if path.is_relative_to(PACKAGES["headrace_worker"])]
    inner = [
        f"{name(path)} imports {module}"
        for path in paths
        for module in imports(path)
        if module.startswith("headrace.") and "._" in module and module != "headrace.__version__"
    ]
    assert inner == []


def test_every_module_is_imported_by_another_or_started_by_name() -> None:
    code = [path for path in files(".py") if any(path.is_relative_to(folder) for folder in PACKAGES.values())]
    used = {module for path in code for module in imports(path)} | ENTRY_POINTS | STANDARDS
    unused = [
        module
        for module, path in modules().items()
        if module not in used and path.name not in {"__init__.py", "__main__.py"} and not found_by_name(module)
    ]
    assert unused == []


def test_every_framework_is_shown_in_the_guide() -> None:
    guide = text(ROOT / "docs/guide/frameworks.md")
    assert [module for module in SHOWN if f"from {module} import" not in guide] == []


def found_by_name(module: str) -> bool:
    """Tell whether a framework finds the module, or some other file names it in a string, as `python -m` does."""
    if module in SHOWN or FOUND_BY_DJANGO.fullmatch(module):
        return True
    return any(f'"{module}' in text(path) for path in files(".py") if path != modules()[module])


def test_no_file_of_python_is_empty_but_a_package() -> None:
    empty = [name(path) for path in files(".py") if not text(path).strip() and path.name != "__init__.py"]
    assert empty == []


def test_every_module_of_the_packages_starts_with_a_sentence() -> None:
    silent = [module for module, path in modules().items() if not ast.get_docstring(tree(path))]
    assert silent == []


def test_every_package_is_typed() -> None:
    assert [package for package, folder in PACKAGES.items() if not (folder / "py.typed").exists()] == []


def test_every_entry_point_leads_somewhere() -> None:
    assert [module for module in ENTRY_POINTS if module not in modules()] == []


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in files(".py") if path.is_relative_to(ROOT / "tests")}
    assert [name(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_every_test_file_is_found_by_pytest() -> None:
    def has_tests(path: Path) -> bool:
        return any(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in tree(path).body)

    hidden = [name(p) for p in files(".py") if p.is_relative_to(ROOT / "tests") and not p.name.startswith("test_")]
    assert [path for path in hidden if has_tests(ROOT / path)] == []
