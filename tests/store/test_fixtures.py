"""The fixtures themselves: what every other test stands on."""

from collections.abc import Callable

import pytest
import redis

from tests.support.needs import missing
from tests.support.stores import StoreProcess
from tests.support.waiting import eventually


def test_store_url_is_an_empty_store(store_url: str) -> None:
    with redis.Redis.from_url(store_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")  # the next test on this store must not see it


def test_both_kinds_are_what_they_say(valkey: StoreProcess, redis7: StoreProcess) -> None:
    with valkey.client() as new, redis7.client() as old:
        assert new.info("server")["server_name"] == "valkey"
        assert old.info("server")["redis_version"].startswith("7.0.")


def test_a_killed_store_comes_back_with_its_data(make_store: Callable[..., StoreProcess]) -> None:
    store = make_store()
    store.call("SET", "kept", "yes")
    first = store.pid
    store.kill9()
    store.start()
    assert store.pid != first
    assert store.call("GET", "kept") == b"yes"


def test_a_frozen_store_answers_after_the_thaw(make_store: Callable[..., StoreProcess]) -> None:
    store = make_store()
    store.freeze()
    with store.client(socket_timeout=0.2) as client, pytest.raises(redis.exceptions.TimeoutError):
        client.ping()
    store.thaw()
    assert eventually(lambda: store.call("PING"))


def test_eventually_tells_the_last_value() -> None:
    with pytest.raises(AssertionError, match=r"not within 0\.05 s: never; last value 0"):
        eventually(lambda: 0, 0.05, "never")


def test_eventually_takes_a_failed_assert_for_not_yet() -> None:
    answers = iter([False, False, True])

    def third_time() -> bool:
        assert next(answers)
        return True

    assert eventually(third_time)


def test_what_is_missing_skips_at_home_and_fails_on_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no such thing"):
        missing("no such thing")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no such thing"):
        missing("no such thing")
