"""A reader who does what a page says: one terminal that remembers, others that keep something running."""

import json
import os
import random
import re
import socket
import subprocess
from pathlib import Path
from typing import Any

from tests.docs.pages import Block
from tests.support.processes import Child
from tests.support.servers import HEADRACE, clean_env
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
WRITTEN_URL = "http://127.0.0.1:8080"
WRITTEN_PORT = re.compile(r"\b(?:9096|9197|9198|9464)\b")  # of what else a page starts
SPARE_PORTS = range(20_000, 30_000)  # nobody is given one of these who asks the system for any
WORKER_S = 30.0
DONE = "--- done with exit code "
ANYTHING = "..."  # on a page: what stands here is different each time


class Reader:
    """Follows a page in a folder of its own, with the server at `url` in the place of the one that the page names.

    Its other ports are others here, too: another reader may be at the same page.

    `data_dir`: that of the server, for commands that look into the store.
    """

    def __init__(self, folder: Path, url: str, data_dir: Path) -> None:
        self._folder = folder
        self._url = url
        (folder / "docker").symlink_to(ROOT / "docker")  # of the clone: some commands name files in it
        path = f"{HEADRACE.parent}{os.pathsep}{os.environ['PATH']}"
        here = {"HEADRACE_URL": url, "HEADRACE_DATA_DIR": str(data_dir), "PATH": path, "PYTHONWARNINGS": "error"}
        self._env = clean_env(here)
        self._ports: dict[str, str] = {}
        self._background: list[Child] = []
        self._errors = folder / "terminal.log"
        with self._errors.open("wb") as errors:
            self._terminal = subprocess.Popen(
                ["bash", "-eu"],
                cwd=folder,
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.shown = ""  # what the last command printed

    def follow(self, block: Block) -> None:
        """Do what a block says."""
        text = WRITTEN_PORT.sub(self._port, block.text.replace(WRITTEN_URL, self._url))
        if block.file:
            (self._folder / block.file).write_text(text)
        elif block.role == "run":
            self._run(text)
        elif block.role == "background":
            self._go_on_beside(text)
        elif block.role == "expect":
            self._compare(block)

    def _go_on_beside(self, text: str) -> None:
        """Start what goes on in another terminal; a worker is looked at until it says that it works.

        Its jobs would go to the server's demo worker meanwhile, which puts them off, each time for longer.
        """
        log = self._folder / f"background{len(self._background)}.log"
        child = Child(["bash", "-c", f"cd '{self._folder}' && exec {text}"], log, env=self._env)
        self._background.append(child)
        if text.startswith("headrace worker"):
            eventually(lambda: not child.alive or "worker started" in child.tail(), WORKER_S, "the worker starts")

    def _port(self, written: re.Match[str]) -> str:
        return self._ports.setdefault(written[0], str(spare_port()))

    def close(self) -> None:
        """Close all terminals."""
        for pipe in (self._terminal.stdin, self._terminal.stdout):
            assert pipe
            pipe.close()
        self._terminal.wait(15)
        for child in self._background:
            child.end()

    def logs(self) -> str:
        """Return what the terminals showed beside the output of the commands."""
        return "\n".join([self._errors.read_text(), *(child.tail() for child in self._background)])

    def _run(self, text: str) -> None:
        assert self._terminal.stdin
        assert self._terminal.stdout
        self._terminal.stdin.write(f'{text}\necho; echo "{DONE}$?"\n')
        self._terminal.stdin.flush()
        lines: list[str] = []
        for line in self._terminal.stdout:
            if line.startswith(DONE):
                assert line.removeprefix(DONE).strip() == "0", f"{text}\nfailed: {self.logs()}"
                break
            lines.append(line)
        else:
            raise AssertionError(f"{text}\nended the terminal: {self.logs()}")
        self.shown = "".join(lines).strip()

    def _compare(self, block: Block) -> None:
        if block.language == "json":
            assert difference(json.loads(block.text), json.loads(self.shown)) == {}, self.shown
        else:
            assert reads_like(block.text.strip(), self.shown), f"{self.shown}\n{self.logs()}"


def spare_port() -> int:
    """Return a port on which nobody listens."""
    while True:
        port = random.choice(SPARE_PORTS)
        with socket.socket() as door:
            if door.connect_ex(("127.0.0.1", port)):
                return port


def difference(expected: Any, shown: Any, where: str = "") -> dict[str, Any]:
    """Return what is shown otherwise than expected, by its place; more fields are no difference, on no level."""
    if expected == ANYTHING and shown is not None:
        return {}
    if isinstance(expected, str) and isinstance(shown, str):
        return {} if reads_like(expected, shown) else {where: shown}
    if isinstance(expected, dict) and isinstance(shown, dict):
        pairs = [(f"{where}/{name}", value, shown.get(name)) for name, value in expected.items()]
    elif isinstance(expected, list) and isinstance(shown, list) and len(expected) == len(shown):
        pairs = [(f"{where}/{i}", value, shown[i]) for i, value in enumerate(expected)]
    else:
        return {} if expected == shown else {where: shown}
    return {place: got for at, want, have in pairs for place, got in difference(want, have, at).items()}


def reads_like(expected: str, shown: str) -> bool:
    """Return whether a text is the expected one; `...` stands for anything on its line, and alone for more lines."""
    pattern = ""
    for line in expected.splitlines():
        if pattern and line == ANYTHING:
            pattern += r"(?s:\n.*)?"
        else:
            pattern += ("\n" if pattern else "") + ".*".join(re.escape(part) for part in line.split(ANYTHING))
    return re.fullmatch(pattern, shown) is not None
