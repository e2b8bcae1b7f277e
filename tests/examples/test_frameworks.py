"""The shops in three frameworks: their own tests, and each as a whole, with a server, a worker and a browser."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.processes import Child
from tests.support.servers import HEADRACE, ServerProcess, clean_env
from tests.support.waiting import eventually

EXAMPLES = Path(__file__).parents[2] / "examples"
LISTENING = re.compile(r"[Rr]unning on (http://127\.0\.0\.1:\d+)")
ORDER = {"email": "ada@shop.example", "cents": "1250"}
READY_S = 60.0

Start = Callable[..., Child]


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of somebody who has activated the .venv."""
    path = f"{HEADRACE.parent}{os.pathsep}{os.environ['PATH']}"
    return clean_env({"PATH": path, "PYTHONDONTWRITEBYTECODE": "1", **settings})


def run(folder: Path, *argv: str, **env: str) -> str:
    """Run a command in the folder of an example and return what it shows; it must succeed."""
    done = subprocess.run(
        argv, cwd=folder, env=environment(env), check=False, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("folder", "passed"), [("flask", 2), ("fastapi", 2), ("from_celery/after", 4)], ids=["flask", "fastapi", "celery"]
)
def test_its_own_tests_pass(folder: str, passed: int) -> None:
    shown = run(EXAMPLES / folder, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error")
    assert f"{passed} passed" in shown


def test_the_tests_of_the_django_project_pass(tmp_path: Path) -> None:
    shown = run(EXAMPLES / "django", sys.executable, "-W", "error", "manage.py", "test", SHOP_DB=str(tmp_path / "db"))
    assert re.search(r"Ran 2 tests.*\n\nOK", shown)


DJANGO_TEST = """
from django.core.management import call_command
from django.test import Client

def test_an_order(headrace_worker):
    call_command("migrate", verbosity=0)
    browser = Client()
    number = browser.post("/orders", {"email": "ada@shop.example", "cents": "1250"}).json()["number"]
    headrace_worker.drain()
    assert browser.get(f"/orders/{number}").json()["receipt"] == "ada@shop.example paid 12.50"
"""


def test_a_django_project_is_tested_with_the_fixtures(tmp_path: Path) -> None:
    (tmp_path / "test_order.py").write_text(DJANGO_TEST)
    project = {"DJANGO_SETTINGS_MODULE": "shop.settings", "PYTHONPATH": str(EXAMPLES / "django")}
    setting = "headrace_app=headrace.contrib.django.worker:app"
    argv = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-o", setting]
    assert "1 passed" in run(tmp_path, *argv, SHOP_DB=str(tmp_path / "db"), **project)


def test_the_project_before_is_the_project_on_celery() -> None:
    before = {path.name: path.read_text() for path in (EXAMPLES / "from_celery/before").iterdir() if path.is_file()}
    after = {path.name: path.read_text() for path in (EXAMPLES / "from_celery/after").iterdir() if path.is_file()}
    for name, text in before.items():
        assert "headrace" not in text
        if name.endswith(".py"):
            compile(text, name, "exec")
    assert before["store.py"] == after["store.py"]  # as the table in its README says
    assert [name for name, text in after.items() if "celery" in text.lower()] == []


@pytest.fixture
def start(server: ServerProcess, tmp_path: Path) -> Iterator[Start]:
    """A starter of programs in the folder of an example, on a server: `start("flask", argv, NAME="value")`."""
    made: list[Child] = []

    def start(folder: str, argv: Sequence[str], **env: str) -> Child:
        here = environment({"HEADRACE_URL": server.url, **env})
        made.append(Child(argv, tmp_path / f"{len(made)}.log", env=here, cwd=EXAMPLES / folder))
        return made[-1]

    yield start
    for child in reversed(made):
        child.end()


@pytest.fixture
def browse() -> Iterator[Callable[[Child], httpx.Client]]:
    """A browser for a web server, once that listens."""
    made: list[httpx.Client] = []

    def browse(web: Child) -> httpx.Client:
        found = eventually(lambda: LISTENING.search(web.tail()), READY_S, "the application listens")
        assert found
        made.append(httpx.Client(base_url=found[1], timeout=30))
        return made[-1]

    yield browse
    for client in made:
        client.close()


def shown(browser: httpx.Client, path: str) -> Any:
    reply = browser.get(path)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_an_order_goes_through_django(
    start: Start, browse: Callable[[Child], httpx.Client], tmp_path: Path, server: ServerProcess
) -> None:
    db = str(tmp_path / "shop.sqlite3")
    run(EXAMPLES / "django", sys.executable, "manage.py", "migrate", SHOP_DB=db)
    worker = start("django", [sys.executable, "manage.py", "headrace_worker", "--threads", "2"], SHOP_DB=db)
    browser = browse(start("django", ["uvicorn", "shop.asgi:application", "--port", "0"], SHOP_DB=db))
    number = browser.post("/orders", data=ORDER).json()["number"]
    receipt = "ada@shop.example paid 12.50"
    done = {"number": number, "state": "charged", "receipt": receipt}
    eventually(lambda: shown(browser, f"/orders/{number}") == done, READY_S, worker.tail())
    assert worker.terminate() == 0, worker.tail()


def test_an_order_goes_through_flask(start: Start, browse: Callable[[Child], httpx.Client], tmp_path: Path) -> None:
    db = str(tmp_path / "shop.sqlite3")
    worker = start("flask", ["headrace", "worker", "make_worker:queue", "--processes", "1"], SHOP_DATABASE=db)
    browser = browse(start("flask", ["flask", "--app", "shop", "run", "--port", "0"], SHOP_DATABASE=db))
    number = browser.post("/orders", data=ORDER).json()["number"]
    eventually(lambda: shown(browser, f"/orders/{number}")["state"] == "charged", READY_S, worker.tail())
    assert worker.terminate() == 0, worker.tail()


def test_an_order_goes_through_fastapi(start: Start, browse: Callable[[Child], httpx.Client]) -> None:
    worker = start("fastapi", ["headrace", "worker", "shop:queue", "--processes", "1"])
    browser = browse(start("fastapi", ["uvicorn", "shop:api", "--port", "0"]))
    job = browser.post("/orders", json={"email": "ada@shop.example", "cents": 1250}).json()["job"]
    done = {"state": "succeeded", "receipt": "ada@shop.example paid 12.50"}
    eventually(lambda: shown(browser, f"/orders/{job}?wait=5") == done, READY_S, worker.tail())
    assert worker.terminate() == 0, worker.tail()


def test_the_project_that_came_from_celery_watches_links(
    start: Start, browse: Callable[[Child], httpx.Client], tmp_path: Path, server: ServerProcess
) -> None:
    folder, here = "from_celery/after", {"LINKWATCH_DB": str(tmp_path / "links.sqlite3")}
    argv = ["headrace", "worker", "queue_app:app", "--queues", "links", "--processes", "1"]
    worker = start(folder, argv, **here)
    browser = browse(start(folder, ["flask", "--app", "web", "run", "--port", "0"], **here))
    good, bad = f"{server.url}/livez", f"{server.url}/nowhere"
    job = browser.post("/links", content=f"{good}\n{bad}\n").json()["job"]
    eventually(lambda: shown(browser, f"/jobs/{job}") == {"state": "SUCCESS", "info": 2}, READY_S, worker.tail())
    eventually(lambda: shown(browser, "/links") == {good: 200, bad: 404}, READY_S, worker.tail())
    assert browser.get("/jobs/0190b5f2-0000-7000-8000-000000000000").status_code == 404
    at = {"HEADRACE_URL": server.url}
    applied = run(EXAMPLES / folder, "headrace", "schedules", "apply", "-A", "queue_app:app", "-o", "json", **at)
    assert {each["name"]: each["change"] for each in json.loads(applied)} == {
        "check-all": "unchanged",  # its worker has told the server
        "digest": "unchanged",
    }
    run(EXAMPLES / folder, "headrace", "schedules", "trigger", "check-all", HEADRACE_URL=server.url)
    listed = run(
        EXAMPLES / folder, "headrace", "ls", "--task", "tasks.check_all", "-o", "json", HEADRACE_URL=server.url
    )
    assert {job["queue"] for job in json.loads(listed)} == {"links"}
