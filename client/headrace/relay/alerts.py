"""What Alertmanager sends to a webhook (its document of version 4), read into types; it must not know any robot."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

_NAMELESS: Final = "alert"
_YEARS: Final = range(1970, 9000)  # Go writes the year 1 for "no time"; the ends of the calendar are in no time zone


class NotAlerts(Exception):
    """A body that is no notification of Alertmanager; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert of a notification."""

    firing: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime | None  # None where it is missing or no time
    ends_at: datetime | None  # None while it fires
    source_url: str  # the expression in Prometheus; empty when absent

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.labels.get("alertname") or _NAMELESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Alerts that Alertmanager sends together; those that fire come first."""

    alerts: tuple[Alert, ...]
    left_out: int = 0  # how many more there are, by Alertmanager's own bound (`max_alerts`)

    @property
    def firing(self) -> int:
        """How many of the alerts fire."""
        return sum(alert.firing for alert in self.alerts)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the alerts, each once, in their order."""
        return tuple(dict.fromkeys(alert.name for alert in self.alerts))


def read(body: bytes) -> Notification:
    """Return the notification in a request's body. Raises NotAlerts.

    Fields that a message can do without may be missing or odd: a half-told alert is better than one that is not told.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise NotAlerts("the body is not JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("alerts"), list):
        raise NotAlerts("the body has no list `alerts`, as Alertmanager's webhooks have")
    found = [_alert(each) for each in document["alerts"]]
    if not found:
        raise NotAlerts("the list `alerts` is empty")
    left_out = document.get("truncatedAlerts")
    return Notification(
        alerts=tuple(sorted(found, key=lambda alert: not alert.firing)),
        left_out=left_out if isinstance(left_out, int) and left_out > 0 else 0,
    )


def _alert(document: Any) -> Alert:
    if not isinstance(document, dict):
        raise NotAlerts("an alert is not an object")
    firing = document.get("status") != "resolved"
    return Alert(
        firing=firing,
        labels=_texts(document.get("labels")),
        annotations=_texts(document.get("annotations")),
        starts_at=_instant(document.get("startsAt")),
        ends_at=None if firing else _instant(document.get("endsAt")),
        source_url=str(document.get("generatorURL") or ""),
    )


def _texts(document: Any) -> dict[str, str]:
    """Return what is named by texts, as texts."""
    return {name: str(value) for name, value in document.items()} if isinstance(document, dict) else {}


def _instant(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo and found.year in _YEARS else None
