"""Sentry in the server: its faults are told, and nothing of what clients send is in the report."""

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from headrace_server.api.routes import Operation
from headrace_server.telemetry import CannotReport, report_faults
from headrace_server.telemetry.faults import FaultHandler
from starlette.routing import Route

from tests.api.conftest import Api
from tests.support.sentry import DSN, Kept
from tests.support.servers import ServerProcess

SECRET = "geheim-4711"


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def handler(kept: Kept) -> Iterator[FaultHandler]:
    made = report_faults(DSN, messages=False, release="headrace@0", transport=kept)
    yield made
    logging.getLogger().removeHandler(made)
    made.close()


async def broken(call: Any) -> Any:
    """Fail with all that a request can hold, in every place where an error can have it."""
    body = await call.body()
    everything = (body, call.headers, call.params, call.scope["query_string"], SECRET)
    try:
        raise KeyError(everything)
    except KeyError as error:
        failure = RuntimeError(f"{everything}")
        failure.add_note(repr(everything))
        raise failure from error


async def test_a_fault_of_the_server_is_told_without_anything_of_the_request(
    api: Api, handler: FaultHandler, kept: Kept
) -> None:
    route = Route("/v1/broken/{secret}", Operation(broken), methods=["POST"], name="broken")
    api.application.routes = [*api.application.routes, route]
    reply = await api.http.post(
        f"/v1/broken/{SECRET}?q={SECRET}",
        json={"payload": SECRET},
        headers={"authorization": f"Bearer {SECRET}", "cookie": SECRET, "x-request-id": "mine"},
    )
    assert reply.status_code == 500
    assert SECRET not in reply.json()["detail"]
    [event] = kept.events("event")
    assert [value["type"] for value in event["exception"]["values"]] == ["KeyError", "RuntimeError"]
    assert event["exception"]["values"][-1]["stacktrace"]["frames"][-1]["function"] == "broken"
    assert event["tags"] == {"method": "POST", "request_id": "mine"}
    assert (event["logger"], event["release"]) == ("headrace_server.api.application", "headrace@0")
    assert not any(SECRET.encode() in envelope for envelope in kept.wire)


def test_messages_of_exceptions_are_told_where_somebody_wants_them() -> None:
    kept = Kept()
    made = report_faults(DSN, messages=True, release="headrace@0", transport=kept)
    try:
        raise ValueError("what it says")
    except ValueError:
        logging.getLogger("headrace_server").exception("fault")
    finally:
        logging.getLogger().removeHandler(made)
    assert kept.events("event")[0]["exception"]["values"][0]["value"] == "what it says"


def test_warnings_and_errors_without_an_exception_are_not_told(handler: FaultHandler, kept: Kept) -> None:
    log = logging.getLogger("headrace_server")
    log.error(SECRET)
    try:
        raise ValueError(SECRET)
    except ValueError:
        log.warning("store fault", exc_info=True)
    assert kept.wire == []


def test_nothing_of_sentry_is_imported_without_a_dsn() -> None:
    code = "import sys; import headrace_server.cli.serve; assert 'sentry_sdk' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_dsn_that_is_none_is_a_refusal_that_does_not_repeat_it(make_server: Callable[..., ServerProcess]) -> None:
    with pytest.raises(CannotReport):
        report_faults("geheim", messages=False, release="headrace@0")
    server = make_server(started=False, env={"HEADRACE_SENTRY_DSN": "geheim"})
    server.launch()
    assert server.child.wait() == 78
    assert "HEADRACE_SENTRY_DSN" in server.output()
    assert "geheim" not in server.output()
