"""What tests need from the operating system; standard library only, because run.py calls it before there is a venv.

python3 tests/support/system.py       installs Debian's redis-server 7.0 where that is possible without side effects
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path


def redis7() -> Path | None:
    """Return a redis-server of version 7.0, the oldest store that Headrace supports; None where there is none."""
    for name in (shutil.which("redis-server"), "/usr/bin/redis-server"):
        if name and Path(name).exists() and _version(name).startswith("7.0."):
            return Path(name)
    return None


def install_redis7() -> str:
    """Install redis-server 7.0 where it is missing; return one line for the reader: what was done, or why not."""
    if found := redis7():
        return f"redis-server 7.0: {found}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return "redis-server 7.0 is missing (needs root and apt to install): tests on it are skipped"
    if Path("/run/systemd/system").exists():
        # the package would start a server on port 6379, which is not ours to decide on somebody's machine
        return "redis-server 7.0 is missing; `apt-get install redis-server` brings it: tests on it are skipped"
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", "redis-server"]):
        done = subprocess.run(["apt-get", *command], env=env, check=False, capture_output=True, text=True)
        if done.returncode:
            return f"apt-get {command[0]} failed: {done.stderr.strip()[-300:]}: tests on redis 7.0 are skipped"
    return f"redis-server 7.0: {redis7() or 'apt brings another version here: tests on it are skipped'}"


def _version(binary: str) -> str:
    done = subprocess.run([binary, "--version"], check=False, capture_output=True, text=True)
    found = re.search(r"v=([0-9.]+)", done.stdout)
    return found[1] if found else ""


if __name__ == "__main__":
    print(install_redis7(), file=sys.stderr)
