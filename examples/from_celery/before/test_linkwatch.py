"""The tests of linkwatch: in eager mode, because no broker runs beside them."""

import httpx
import pytest
import store
import tasks
from celery.exceptions import Retry
from celeryapp import app
from web import app as web


@pytest.fixture(autouse=True)
def eager(tmp_path, monkeypatch):
    monkeypatch.setenv("LINKWATCH_DB", str(tmp_path / "links.sqlite3"))
    app.conf.update(task_always_eager=True, task_store_eager_result=True, result_backend="cache+memory://")


def test_links_are_imported_and_checked(monkeypatch):
    monkeypatch.setattr(httpx, "get", lambda url, **_: httpx.Response(200))
    web.test_client().post("/links", data="http://one.test/ http://two.test/")
    assert store.links() == {"http://one.test/": 200, "http://two.test/": 200}


def test_a_site_that_is_away_is_tried_again(monkeypatch):
    replies = iter([httpx.ConnectError("away"), httpx.ConnectError("away"), httpx.Response(200)])

    def get(url, **_):
        reply = next(replies)
        if isinstance(reply, Exception):
            raise reply
        return reply

    monkeypatch.setattr(httpx, "get", get)
    store.add("http://one.test/")
    tasks.check.delay("http://one.test/")  # eager retries do not wait: that the delays grow is not tested
    assert store.links() == {"http://one.test/": 200}


def test_a_digest_waits_as_long_as_it_is_told(monkeypatch):
    monkeypatch.setenv("HOOK_URL", "http://hook.test/")
    monkeypatch.setattr(httpx, "post", lambda url, **_: httpx.Response(429, headers={"Retry-After": "60"}))
    with pytest.raises(Retry) as raised:
        tasks.send_digest.run()
    assert raised.value.when == 60
