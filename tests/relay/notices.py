"""Notifications of Alertmanager as it sends them."""

from typing import Any


def alert(name: str = "HeadraceBacklog", *, status: str = "firing", **labels: str) -> dict[str, Any]:
    """Return one alert of a notification."""
    return {
        "status": status,
        "labels": {"alertname": name, "severity": "warning", **labels},
        "annotations": {
            "summary": "The backlog is large",
            "description": "More jobs come than go.",
            "runbook_url": "http://docs.example/runbook.md#a-backlog-grows",
        },
        "startsAt": "2026-01-02T03:04:05.678901234Z",
        "endsAt": "2026-01-02T03:14:05.678Z" if status == "resolved" else "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph?g0.expr=up+%3D%3D+0",
        "fingerprint": "8f1d9b1e5f6a7b8c",
    }


def notice(*alerts: dict[str, Any], truncated: int = 0) -> dict[str, Any]:
    """Return a webhook's document of version 4."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="HeadraceBacklog"}',
        "truncatedAlerts": truncated,
        "status": "firing",
        "receiver": "wecom",
        "groupLabels": {"alertname": "HeadraceBacklog"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example",
        "alerts": list(alerts),
    }
