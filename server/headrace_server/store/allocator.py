"""Chooses the library whose malloc the embedded store uses; it must not know how the store is run.

Packages of Valkey and Redis have jemalloc built in. The wheel's program has only the C library's malloc, with which a
job takes a quarter more of the store's processor time (docs/adr/0065): there the dynamic loader is asked to put
jemalloc in its place, where the machine has it. A library that is missing or does not fit is left out.
"""

import platform
import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from headrace_server.store.binary import PROBE_S, Binary

AUTO: Final = "auto"
NONE: Final = "none"
JEMALLOC: Final = "libjemalloc.so.2"  # without a folder: the loader knows where this machine keeps libraries
# a thread of jemalloc's own returns what a backlog took, as in programs that are built with it; others do not read this
GIVES_BACK: Final = "MALLOC_CONF=background_thread:true"
OF_THE_C_LIBRARY: Final = "libc"  # what the program says of itself
_LIBRARY: Final = re.compile(r"/(lib(?:jemalloc|tcmalloc|mimalloc)\S*)$", re.MULTILINE)


@dataclass(frozen=True)
class Malloc:
    """What a store that is started next allocates with."""

    name: str
    words: tuple[str, ...] = ()  # that go before its command
    fault: str = ""  # why the library that was named is not it


def choose_malloc(binary: Binary, wanted: str) -> Malloc:
    """Return what `binary` shall allocate with; `wanted`: auto, none, or a library: its name, or its path."""
    own = Malloc(binary.malloc)
    if wanted == NONE or (wanted == AUTO and not (binary.malloc == OF_THE_C_LIBRARY and _preloads())):
        return own
    library = JEMALLOC if wanted == AUTO else wanted
    words = ("env", f"LD_PRELOAD={library}", GIVES_BACK)  # env(1) keeps the rest as it is, and becomes the store
    fault = _fault([*words, str(binary.path), "--version"])
    if not fault:
        return Malloc(Path(library).name, words)
    return own if wanted == AUTO else replace(own, fault=f"{library} is not preloaded into the store: {fault}")


def allocator_of(pid: int, says: str) -> str:
    """Return what a living store allocates with: a library that took over, or what it says of itself (INFO memory)."""
    with suppress(OSError):
        if found := _LIBRARY.search(Path(f"/proc/{pid}/maps").read_text()):
            return found[1]
    return says


def _preloads() -> bool:
    return platform.system() == "Linux"  # others have no LD_PRELOAD, and say nothing when it is set


def _fault(command: list[str]) -> str:
    """Return why a program does not start so; the loader goes on without a library that it cannot use, and says so."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace", timeout=PROBE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        return type(error).__name__
    return done.stderr.strip() or (f"exit code {done.returncode}" if done.returncode else "")
