"""An environment for each peer, with exactly the versions of bench/peers/requirements; it must not touch ours.

Environments are kept, each under a name that changes with its requirements, so that a second run starts at once.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from comparison.processes import log_tail

BENCH = Path(__file__).parents[1]
ROOT = BENCH.parent
REQUIREMENTS = BENCH / "peers" / "requirements"
CACHE = ROOT / "build" / "bench"  # ignored by git, removed by `make clean`
LIMIT_S = 600.0
PIP_OPTIONS = ("--quiet", "--retries", "1", "--timeout", "15")  # without a network it must not take minutes to say so


class NotInstalled(Exception):
    """A peer takes no part, for this reason."""


@dataclass(frozen=True)
class Environment:
    """Where a peer's programs are."""

    programs: Path
    versions: tuple[str, ...]  # what was installed, as name==version
    extra: tuple[tuple[str, str], ...] = ()  # variables for its processes

    def command(self, argv: tuple[str, ...]) -> list[str]:
        """Return a command with the program's path."""
        program = self.programs / argv[0]
        return [str(program) if program.exists() else argv[0], *argv[1:]]


def install(peer: str, cache: Path) -> Environment:
    """Return the peer's environment, made if there is none; raises NotInstalled with the reason."""
    if peer == "headrace":
        return Environment(Path(sys.executable).parent, (f"headrace {_our_version()}",))
    make = {"bullmq": _node_environment}.get(peer, _python_environment)
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{peer}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be installing the same
        environment = make(peer, cache)
    return (
        replace(environment, versions=(*environment.versions, _beanstalkd())) if peer == "beanstalkd" else environment
    )


def _beanstalkd() -> str:
    """Return the version of the server, which the system has or has not."""
    program = shutil.which("beanstalkd")
    if program is None:
        raise NotInstalled("the program beanstalkd is not on PATH (Debian: apt-get install beanstalkd)")
    return subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stdout.strip()


def _python_environment(peer: str, cache: Path) -> Environment:
    wanted = REQUIREMENTS / f"{peer}.txt"
    place = cache / f"{peer}-{_digest(wanted.read_bytes(), sys.version.encode())}"
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        _run([sys.executable, "-m", "venv", "--without-pip", str(place)], place)
        _run([*_pip(), "--python", str(python), "install", *PIP_OPTIONS, "--requirement", str(wanted)], place)
        (place / "complete").touch()
    return Environment(place / "bin", tuple(wanted.read_text().split()))


def _node_environment(peer: str, cache: Path) -> Environment:
    for program in ("node", "npm"):
        if not shutil.which(program):
            raise NotInstalled(f"the program {program} is not on PATH")
    wanted = REQUIREMENTS / peer
    files = sorted(wanted.glob("package*.json"))
    place = cache / f"{peer}-{_digest(*(file.read_bytes() for file in files))}"
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for file in files:
            shutil.copy(file, place)
        _run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(place)], place)
        (place / "complete").touch()
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    versions = tuple(f"{name}=={_package_version(place, name)}" for name in ("bullmq", "ioredis"))
    path = (("NODE_PATH", str(place / "node_modules")),)  # the script lies elsewhere
    return Environment(place / "node_modules" / ".bin", (*versions, f"node=={node.lstrip('v')}"), path)


def _package_version(place: Path, package: str) -> str:
    import json

    version: str = json.loads((place / "node_modules" / package / "package.json").read_text())["version"]
    return version


def _pip() -> list[str]:
    """Return a pip that can install into another environment: ours has one unless Debian left it out."""
    for python in (sys.executable, getattr(sys, "_base_executable", sys.executable)):
        argv = [python, "-m", "pip"]
        if subprocess.run([*argv, "--version"], capture_output=True, check=False).returncode == 0:
            return argv
    raise NotInstalled("there is no pip")


def _run(argv: list[str], place: Path) -> None:
    """Run one step; raises NotInstalled with the end of what it said."""
    log = place.with_suffix(".log")
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_REQUIRE_VIRTUALENV": "0"}
    try:
        with log.open("wb") as out:
            done = subprocess.run(
                argv,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env=os.environ | quiet,
                timeout=LIMIT_S,
                check=False,
            )
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"{' '.join(argv[:4])} ... took longer than {LIMIT_S:.0f} s") from None
    if done.returncode:
        raise NotInstalled(f"{' '.join(argv[:4])} ... failed: {log_tail(log, 300)}")


def _digest(*parts: bytes) -> str:
    return hashlib.blake2b(b"\0".join(parts), digest_size=6).hexdigest()


def _our_version() -> str:
    from headrace import __version__

    return __version__
