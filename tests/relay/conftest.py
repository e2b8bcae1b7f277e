"""A relay of its own for each test that asks for one, and robots for it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from tests.relay.robots import RobotServer, dingtalk, wecom
from tests.support.processes import Child
from tests.support.servers import HEADRACE, clean_env
from tests.support.waiting import eventually

LISTENING = re.compile(r'url(?:=|\.full": ")(http://[^\s"]+)')
START_S = 30.0
NO_PROXY = {"NO_PROXY": "*", "no_proxy": "*"}  # the robots are on this machine
KEY, TOKEN, SECRET, BEARER = "w3com-k3y", "d1ngtalk-t0ken", "SEC-d1ngtalk", "b3arer-t0ken"


class RelayProcess:
    """A running `headrace alert-relay` on a free port, with the keys of both robots."""

    def __init__(self, log: Path, env: dict[str, str], flags: tuple[str, ...]) -> None:
        argv = [str(HEADRACE), "alert-relay", "--listen", "127.0.0.1:0", *flags]
        self.process = Child(argv, log, env=clean_env({"PYTHONWARNINGS": "error", **NO_PROXY, **env}))

    def ready(self) -> "RelayProcess":
        """Wait until it listens."""
        eventually(lambda: self._url() is not None, START_S, "the relay listens")
        return self

    @property
    def url(self) -> str:
        found = self._url()
        assert found
        return found

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def text(self) -> str:
        """Return its log."""
        return self.process.log.read_text()

    def says(self, words: str) -> None:
        """Wait for words in its log."""
        eventually(lambda: words in self.text(), START_S, words)

    def post(self, path: str, document: object, **headers: str) -> httpx.Response:
        return httpx.post(self.url + path, json=document, headers=headers, timeout=30, trust_env=False)

    def _url(self) -> str | None:
        found = LISTENING.search(self.text())
        assert found or self.process.alive, self.text()
        return found[1] if found else None


MakeRelay = Callable[..., RelayProcess]


@pytest.fixture(autouse=True)
def nothing_by_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reach the robots directly from here, too."""
    for name, value in NO_PROXY.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def robots() -> Iterator[dict[str, RobotServer]]:
    """The robots of this module, by their paths."""
    made = {"/wecom": wecom(KEY), "/dingtalk": dingtalk(TOKEN, SECRET)}
    try:
        yield made
    finally:
        for robot in made.values():
            robot.close()


@pytest.fixture
def wecom_robot(robots: dict[str, RobotServer]) -> RobotServer:
    return robots["/wecom"].forget()


@pytest.fixture
def dingtalk_robot(robots: dict[str, RobotServer]) -> RobotServer:
    return robots["/dingtalk"].forget()


@pytest.fixture(scope="module")
def env(robots: dict[str, RobotServer]) -> dict[str, str]:
    """All that a relay needs to reach both robots."""
    return {
        "HEADRACE_WECOM_KEY": KEY,
        "HEADRACE_WECOM_URL": robots["/wecom"].url,
        "HEADRACE_DINGTALK_TOKEN": TOKEN,
        "HEADRACE_DINGTALK_SECRET": SECRET,
        "HEADRACE_DINGTALK_URL": robots["/dingtalk"].url,
    }


@pytest.fixture(scope="module")
def relay(env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RelayProcess]:
    """The relay of this module."""
    made = RelayProcess(tmp_path_factory.mktemp("relay") / "log", env, ())
    try:
        yield made.ready()
    finally:
        made.process.end()


@pytest.fixture
def make_relay(env: dict[str, str], tmp_path: Path) -> Iterator[MakeRelay]:
    """A maker of relays that differ: `make_relay(*flags, **environment)`."""
    made: list[RelayProcess] = []

    def make(*flags: str, **other: str) -> RelayProcess:
        relay = RelayProcess(tmp_path / f"relay{len(made)}.log", {**env, **other}, flags)
        made.append(relay)
        return relay.ready()

    try:
        yield make
    finally:
        for relay in made:
            relay.process.end()
