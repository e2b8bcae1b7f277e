"""A job that nobody does, and who is told: Prometheus scrapes, a rule fires, Alertmanager tells five channels."""

from collections.abc import Iterator
from contextlib import ExitStack
from pprint import pformat

import pytest
from headrace import WorkerInfo

from tests.alerts.plant import Plant
from tests.alerts.test_alertmanager import CHANNELS
from tests.conftest import LOGS
from tests.support.waiting import eventually

LONG_S = 60.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    with ExitStack() as stack:
        yield Plant(tmp_path_factory.mktemp("plant"), stack)


@pytest.fixture
def plant(running: Plant, request: pytest.FixtureRequest) -> Plant:
    """Everything, for all tests of this module: use queues of your own."""
    logs = [(daemon.log.name, daemon.log.read_text) for daemon in (running.prometheus, running.alertmanager)]
    request.node.stash[LOGS] = [*logs, ("what was told", lambda: pformat(running.told()))]
    return running


def a_worker_comes(plant: Plant, queue: str) -> None:
    plant.client.heartbeat(f"{queue}-1", info=WorkerInfo(queues=[queue]), next_ms=600_000)


def test_an_alert_reaches_every_channel_and_so_does_its_end(plant: Plant) -> None:
    firing = "Nobody works on the queue parcels"
    plant.put("parcels", 1)
    eventually(lambda: plant.channels(firing, "runbook.md#a-backlog-grows") == set(CHANNELS), LONG_S, "all are told")
    a_worker_comes(plant, "parcels")
    by_template = {"slack", "email", "pagerduty"}
    eventually(lambda: plant.channels(f"{firing} (resolved)") == by_template, LONG_S, "that it is over")
    eventually(lambda: plant.channels(firing, "RESOLVED") >= set(CHANNELS) - by_template, LONG_S, "by the relay, too")


def test_a_cause_hides_its_consequence(plant: Plant) -> None:
    plant.put("letters", 1001)

    def hidden() -> bool:
        found = plant.alertmanager.get("/api/v2/alerts", filter='queue="letters"')
        states = {alert["labels"]["alertname"]: alert["status"]["state"] for alert in found}
        return states == {"HeadraceQueueWithoutWorkers": "active", "HeadraceBacklog": "suppressed"}

    eventually(hidden, LONG_S, "nobody works: that there is a backlog goes without saying")
    a_worker_comes(plant, "letters")
    eventually(lambda: "slack" in plant.channels("1001 jobs wait in the queue letters"), LONG_S, "now it is told")


def test_two_servers_that_are_scraped_are_not_twice_the_jobs(plant: Plant) -> None:
    a_worker_comes(plant, "cards")
    plant.put("cards", 3)
    eventually(lambda: plant.value('headrace_queue_backlog{queue="cards"}') == [3, 3], LONG_S, "both are scraped")
    eventually(lambda: plant.value('celery_task_sent_total{name="cards.do"}') == [3], LONG_S, "and recorded once")
