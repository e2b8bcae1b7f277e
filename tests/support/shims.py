"""Builds the fault shims of tests/torture/shims once per version of their source."""

import hashlib
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from tests.support.needs import missing

SOURCES = Path(__file__).parents[1] / "torture" / "shims"


def shim(name: str) -> Path:
    """Return the built library of `name`.c; skips the test where there is no compiler, fails it where CI=true."""
    source = SOURCES / f"{name}.c"
    compiler = shutil.which("gcc") or shutil.which("cc") or missing("no C compiler for the fault shims (gcc)")
    digest = hashlib.blake2b(source.read_bytes(), digest_size=8).hexdigest()
    folder = Path(tempfile.gettempdir()) / f"headrace-shims-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    built = folder / f"{name}-{digest}.so"
    if not built.exists():
        fresh = built.with_suffix(f".{os.getpid()}")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", fresh, source], check=True)
        fresh.replace(built)  # several workers may build at once
    return built


class Clock:
    """The wall clock of processes that are started with `env`; move it from outside while they run."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.shift_ms(0)
        self.env = {"LD_PRELOAD": str(shim("clockshim")), "CLOCK_SHIM": str(file)}

    def shift_ms(self, offset_ms: int) -> None:
        """Set the offset to the real time, in milliseconds."""
        fd = os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.pwrite(fd, struct.pack("q", offset_ms * 1000), 0)  # in place: the processes have mapped this file
        finally:
            os.close(fd)
