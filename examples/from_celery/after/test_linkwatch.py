"""The tests of linkwatch: on a real server with a real worker, and a clock that need not be waited for."""

import httpx
import pytest
import store
import tasks
from web import app as web


@pytest.fixture(autouse=True)
def database(tmp_path, monkeypatch):
    monkeypatch.setenv("LINKWATCH_DB", str(tmp_path / "links.sqlite3"))


def test_links_are_imported_and_checked(headrace_worker, monkeypatch):
    monkeypatch.setattr(httpx, "get", lambda url, **_: httpx.Response(200))
    browser = web.test_client()
    job = browser.post("/links", data="http://one.test/ http://two.test/").json["job"]
    headrace_worker.drain()
    assert store.links() == {"http://one.test/": 200, "http://two.test/": 200}
    assert browser.get(f"/jobs/{job}").json == {"state": "SUCCESS", "info": 2}


def test_a_site_that_is_away_is_tried_again(headrace_worker, headrace_clock, monkeypatch):
    begin, tries = headrace_clock.now, []

    def get(url, **_):
        tries.append((headrace_clock.now - begin).total_seconds())
        if len(tries) < 3:
            raise httpx.ConnectError("away")
        return httpx.Response(200)

    monkeypatch.setattr(httpx, "get", get)
    store.add("http://one.test/")
    tasks.check.delay("http://one.test/")
    headrace_clock.advance("1h")
    assert store.links() == {"http://one.test/": 200}
    assert tries[1] < 60  # the delays grow from a second on


def test_a_digest_waits_as_long_as_it_is_told(headrace_worker, headrace_clock, monkeypatch):
    begin, sent = headrace_clock.now, []

    def post(url, *, json):
        sent.append(((headrace_clock.now - begin).total_seconds(), json["id"]))
        status, headers = (429, {"Retry-After": "600"}) if len(sent) == 1 else (200, {})
        return httpx.Response(status, headers=headers, request=httpx.Request("POST", url))

    monkeypatch.setenv("HOOK_URL", "http://hook.test/")
    monkeypatch.setattr(httpx, "post", post)
    tasks.send_digest.delay()
    headrace_clock.advance("1h")
    (first, job), (second, again) = sent
    assert 600 <= second - first < 660
    assert job == again


def test_what_beat_did_comes_by_itself(headrace_app, headrace_clock, assert_enqueued):
    for _ in range(2):  # at each deploy
        schedules = headrace_app.apply_schedules()  # as a worker does
    headrace_clock.advance("1d")
    fired = {each.name: headrace_app.client.schedule(each.name).fired for each in schedules}
    assert fired == {"check-all": 24 * 12, "digest": 1}
    assert_enqueued(tasks.send_digest, queue="mail", count=1)
