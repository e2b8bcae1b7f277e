"""Settings: read from the environment, with errors that name the setting."""

from pathlib import Path

import pytest
from headrace_server.config import Durability, Settings, SettingsError


def test_nothing_needs_to_be_set() -> None:
    assert Settings.read({}) == Settings()


def test_every_kind_of_value_is_read_from_the_environment() -> None:
    settings = Settings.read(
        {
            "HEADRACE_PORT": "9000",
            "HEADRACE_DATA_DIR": "/srv/headrace",
            "HEADRACE_REDIS_URL": "redis://db/1",
            "HEADRACE_DURABILITY": "fsync+replica",
            "HEADRACE_TUNE_STORE": "yes",
            "HEADRACE_TOKENS": "one, two,",
            "OTHER": "x",
        }
    )
    assert (settings.port, settings.data_dir, settings.redis_url) == (9000, Path("/srv/headrace"), "redis://db/1")
    assert (settings.durability, settings.tune_store, settings.tokens) == (
        Durability.FSYNC_REPLICA,
        True,
        ("one", "two"),
    )


def test_a_flag_wins_over_the_environment_and_an_absent_flag_does_not() -> None:
    environ = {"HEADRACE_PORT": "9000", "HEADRACE_HOST": "localhost"}
    settings = Settings.read(environ, port=9001, host=None)
    assert (settings.port, settings.host) == (9001, "localhost")


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("HEADRACE_PORT", "http", "HEADRACE_PORT must be a whole number; it is 'http'"),
        ("HEADRACE_DURABILITY", "always", "HEADRACE_DURABILITY must be one of relaxed, fsync, "),
        ("HEADRACE_TUNE_STORE", "maybe", "HEADRACE_TUNE_STORE must be 1 or 0; it is 'maybe'"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(name: str, value: str, hint: str) -> None:
    with pytest.raises(SettingsError, match=hint):
        Settings.read({name: value})


def test_a_secret_is_not_in_the_error() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.read({"HEADRACE_TOKENS": "s3cret", "HEADRACE_PORT": "x"})
    assert "s3cret" not in str(caught.value)


def test_the_servers_defaults_for_jobs_come_from_the_settings() -> None:
    defaults = Settings.read({"HEADRACE_MAX_ATTEMPTS": "7", "HEADRACE_RETRY_MAX_MS": "5"}).defaults()
    assert (defaults.max_attempts, defaults.max_ms) == (7, 5)
