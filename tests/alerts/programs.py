"""Prometheus, Alertmanager and their tools, as Debian 12 packages them."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx

from tests.support.needs import missing
from tests.support.processes import Child, tail
from tests.support.waiting import eventually

START_S = 30.0
PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "amtool": "prometheus-alertmanager",
    "prometheus-alertmanager": "prometheus-alertmanager",
}
# Both are told port 0, and say which one they got.
LISTENING = re.compile(r'msg="Listening on" address=(127\.0\.0\.1:\d+)')


def program(name: str) -> str:
    """Return the path of one of the programs; skips the test where it is missing, fails it where CI=true."""
    return shutil.which(name) or missing(f"no {name} on PATH (Debian 12: apt-get install {PACKAGES[name]})")


def run(name: str, *args: str | Path, cwd: Path | None = None) -> tuple[int, str]:
    """Run one of the tools to its end; return its exit code and all that it said."""
    argv = [program(name), *map(str, args)]
    done = subprocess.run(argv, cwd=cwd, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


class Daemon:
    """A running Prometheus or Alertmanager on a free port of loopback."""

    def __init__(self, name: str, *flags: str, folder: Path) -> None:
        """Start it with `flags`; its log and what it keeps lie in `folder`."""
        self.log = folder / f"{name}.log"
        self._child = Child([program(name), "--web.listen-address=127.0.0.1:0", *flags], self.log, cwd=folder)
        self._client = httpx.Client(trust_env=False, timeout=START_S)

    def ready(self) -> "Daemon":
        """Wait until it serves."""
        self._client.base_url = httpx.URL(f"http://{eventually(self._address, START_S, 'it listens')}")
        eventually(lambda: self._client.get("/-/ready").is_success, START_S, "it is ready")
        return self

    @property
    def address(self) -> str:
        """Its host and port."""
        return f"{self._client.base_url.host}:{self._client.base_url.port}"

    def get(self, path: str, **query: str) -> Any:
        """Return what an address of its API answers."""
        response = self._client.get(path, params=query)
        assert response.is_success, response.text
        return response.json()

    def end(self) -> None:
        """Make sure that it is gone."""
        self._client.close()
        self._child.end()

    def _address(self) -> str | None:
        found = LISTENING.search(self.log.read_text())
        assert found or self._child.alive, f"it ended with {self._child.exit_code}:\n{tail(self.log)}"
        return found[1] if found else None


def prometheus(config: Path) -> Daemon:
    """Start Prometheus on a configuration; what it keeps lies beside that."""
    flags = [f"--config.file={config}", f"--storage.tsdb.path={config.parent / 'data'}", "--log.level=info"]
    return Daemon("prometheus", *flags, folder=config.parent)


def alertmanager(config: Path) -> Daemon:
    """Start an Alertmanager that has no peers on a configuration."""
    flags = [f"--config.file={config}", f"--storage.path={config.parent / 'data'}", "--cluster.listen-address="]
    return Daemon("prometheus-alertmanager", *flags, folder=config.parent)
