"""What keeps a server from starting, and how settings travel to its children."""

from pathlib import Path
from typing import Any

import pytest
from headrace_server.cli.checks import faults, secrets
from headrace_server.config import Durability, Settings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_tokens(host: str) -> None:
    assert list(faults(Settings(host=host))) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "my-machine", "localhost.example"])
def test_any_other_address_needs_tokens_or_a_loud_word(host: str) -> None:
    [fault] = faults(Settings(host=host))
    assert "HEADRACE_TOKENS" in fault
    assert "--insecure-public" in fault
    assert list(faults(Settings(host=host, tokens=("t",)))) == []
    assert list(faults(Settings(host=host, insecure_public=True))) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("port", -1),
        ("port", 65_536),
        ("processes", 0),
        ("shards", 0),
        ("shards", 4_097),
        ("lease_ms", 999),
        ("max_payload_bytes", 0),
        ("log_level", "loud"),
        ("log_format", "xml"),
        ("namespace", "a{b}"),
        ("namespace", ""),
        ("tokens", ("a b",)),
        ("tokens", ("ä",)),
    ],
)
def test_a_setting_out_of_bounds_is_named(field: str, value: Any) -> None:
    [fault] = faults(Settings(**{field: value}))
    assert f"HEADRACE_{field.upper()}" in fault


def test_all_faults_are_told_at_once() -> None:
    assert len(list(faults(Settings(host="0.0.0.0", port=-1, log_level="x")))) == 3


def test_a_fault_never_shows_a_token() -> None:
    assert "geheim" not in "".join(faults(Settings(tokens=("geheim wort",))))


def test_children_read_the_same_settings_from_their_environment() -> None:
    settings = Settings(
        port=0,
        data_dir=Path("/d"),
        redis_url=None,
        durability=Durability.FSYNC_REPLICA,
        tokens=("a", "b"),
        insecure_public=True,
        log_format="json",
    )
    assert Settings.read(settings.environ()) == settings
    assert Settings.read(Settings().environ()) == Settings()


def test_passwords_of_the_store_are_secrets() -> None:
    url = "redis://user:pa55@host:6379/0?ssl_password=word2"
    assert secrets(Settings(tokens=("t0ken",), redis_url=url)) == ["t0ken", "pa55", "word2"]
    assert secrets(Settings()) == []
