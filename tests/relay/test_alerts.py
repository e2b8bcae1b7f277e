"""What is read of a notification, and what is none."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from headrace.relay.alerts import NotAlerts, read

from tests.relay.notices import alert, notice


def raw(document: Any) -> bytes:
    return json.dumps(document).encode()


def test_alerts_that_fire_come_first() -> None:
    found = read(raw(notice(alert("A", status="resolved"), alert("B", queue="mail"), alert("A"), truncated=7)))
    assert [(each.name, each.firing) for each in found.alerts] == [("B", True), ("A", True), ("A", False)]
    assert (found.firing, found.names, found.left_out) == (2, ("B", "A"), 7)
    assert found.alerts[0].labels["queue"] == "mail"


def test_times_are_read_as_alertmanager_writes_them() -> None:
    fires, over = read(raw(notice(alert(), alert(status="resolved")))).alerts
    began = datetime(2026, 1, 2, 3, 4, 5, 678901, UTC)
    assert (fires.starts_at, fires.ends_at) == (began, None)
    assert (over.starts_at, over.ends_at) == (began, began.replace(minute=14, microsecond=678000))


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-01-02T03:04:05", "noon"])
def test_what_is_no_time_that_anybody_lives_in_is_none(at: str) -> None:
    assert read(raw(notice(alert() | {"startsAt": at}))).alerts[0].starts_at is None


@pytest.mark.parametrize("field", ["labels", "annotations", "startsAt", "endsAt", "generatorURL"])
@pytest.mark.parametrize("odd", [None, 7, [], "x"])
def test_an_odd_field_costs_no_alert(field: str, odd: object) -> None:
    given = alert(status="resolved") | {field: odd}
    (found,) = read(raw(notice(given))).alerts
    assert not found.firing
    del given[field]
    assert len(read(raw(notice(given))).alerts) == 1


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no list `alerts`"),
        (b'{"alerts": {}}', "no list `alerts`"),
        (b'{"alerts": []}', "is empty"),
        (b'{"alerts": [7]}', "not an object"),
    ],
)
def test_what_is_no_notification_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(NotAlerts, match=why):
        read(body)
