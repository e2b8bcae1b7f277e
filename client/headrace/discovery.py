"""Modules with tasks, imported when a worker starts; it must not know what they define."""

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

Packages: TypeAlias = Iterable[str] | Callable[[], Iterable[str]]


class Discovery:
    """What is to be imported before an app has all of its tasks."""

    def __init__(self) -> None:
        self._wanted: list[tuple[Packages, str]] = []

    def want(self, packages: Packages, related_name: str) -> None:
        """Remember to import `<package>.<related_name>` of each package that has such a module."""
        self._wanted.append((packages, related_name))

    def load(self, modules: Sequence[str]) -> None:
        """Import `modules` and what is wanted. An error inside of a module is raised as it is.

        Raises ModuleNotFoundError for a module or a package that does not exist.
        """
        for module in modules:
            importlib.import_module(module)
        for packages, related_name in self._wanted:
            for package in packages() if callable(packages) else packages:
                import_related(package, related_name)


def import_related(package: str, related_name: str) -> None:
    """Import `<package>.<related_name>` where there is one; a plain module has none."""
    found = importlib.import_module(package)
    if hasattr(found, "__path__") and importlib.util.find_spec(f"{package}.{related_name}") is not None:
        importlib.import_module(f"{package}.{related_name}")
