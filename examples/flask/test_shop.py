"""The shop's own tests: `pytest` in this folder, with a real server and a real worker."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from headrace import App
from headrace.testing import AssertEnqueued
from headrace_worker.testing import WorkerThread
from shop import charge, create_app

ORDER = {"email": "ada@shop.example", "cents": "1250"}


@pytest.fixture
def browser(tmp_path: Path, headrace_app: App) -> FlaskClient:
    return create_app(DATABASE=str(tmp_path / "shop.sqlite3")).test_client()


def test_an_order_becomes_a_job(browser: FlaskClient, assert_enqueued: AssertEnqueued) -> None:
    number = browser.post("/orders", data=ORDER).json["number"]
    assert_enqueued(charge, [number], queue="shop", count=1)


def test_an_order_is_charged(browser: FlaskClient, headrace_worker: WorkerThread) -> None:
    number = browser.post("/orders", data=ORDER).json["number"]
    headrace_worker.drain()
    assert browser.get(f"/orders/{number}").json["state"] == "charged"
