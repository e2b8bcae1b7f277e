"""From alerts to the markdown that chat robots show: pure, and never longer than a robot takes.

Labels and annotations may repeat what strangers wrote (the name of a queue, of a task). They become plain words: no
link, no picture, no colour and no mention of anybody comes from them.
"""

import re
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from headrace.relay.alerts import Alert, Notification

# In bytes of UTF-8; one alert with all of them at its bound, its heading and the last line still fit into 4096.
_NAME: Final = 120
_SEVERITY: Final = 40
_LABELS: Final = 500
_SUMMARY: Final = 500
_DESCRIPTION: Final = 1000
_LINK: Final = 600
_TITLE: Final = 200

_SHOWN_APART: Final = frozenset({"alertname", "severity"})
_PLAIN: Final = str.maketrans({"<": "\uff1c", ">": "\uff1e", "[": "\uff3b", "]": "\uff3d", "`": "'"})
_GAP: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_URL: Final = re.compile(r"https?://[^\s()<>\[\]\"'`\x00-\x1f]+")
_ELLIPSIS: Final = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a robot wants it."""

    limit: int  # bytes of UTF-8 of the whole text
    firing: str  # a template with {} for the words
    resolved: str
    line: str = "  \n"  # a line break that both kinds of markdown keep


def title(notification: Notification) -> str:
    """Return the line that says it all, as a push message shows it."""
    firing = notification.firing
    counts = [("FIRING", firing), ("RESOLVED", len(notification.alerts) - firing)]
    told = ", ".join(f"{word} {count}" for word, count in counts if count)
    return plain(f"{told}: {', '.join(notification.names)}", _TITLE)


def text(notification: Notification, style: Style, zone: tzinfo | None = None) -> str:
    """Return the message, with times of `zone` (None: this machine's); alerts that do not fit are counted in it."""
    heading = "### " + _coloured(title(notification), style, firing=notification.firing > 0)
    blocks = [heading]
    room = style.limit - _size(heading) - _size(_more(len(notification.alerts) + notification.left_out))
    for alert in notification.alerts:
        block = _block(alert, style, zone)
        room -= _size(block)
        if room < 0:
            break
        blocks.append(block)
    missing = len(notification.alerts) - (len(blocks) - 1) + notification.left_out
    return "".join(blocks) + (_more(missing) if missing else "")


def plain(words: str, limit: int) -> str:
    """Return words on one line, without markup, and cut to `limit` bytes of UTF-8."""
    line = _GAP.sub(" ", words.encode(errors="replace").decode()).strip().translate(_PLAIN)
    raw = line.encode()
    if len(raw) <= limit:
        return line
    return raw[: limit - _size(_ELLIPSIS)].decode(errors="ignore") + _ELLIPSIS


def _block(alert: Alert, style: Style, zone: tzinfo | None) -> str:
    """Return one alert, a line for each thing to say; it begins with a line break."""
    severity = plain(alert.labels.get("severity", ""), _SEVERITY)
    name = f"**{_coloured(plain(alert.name, _NAME), style, firing=alert.firing)}**"
    summary = plain(alert.annotations.get("summary", ""), _SUMMARY)
    description = plain(alert.annotations.get("description", ""), _DESCRIPTION) if alert.firing else ""
    lines = [
        f"{name} ({severity})" if severity else name,
        _labels(alert),
        summary,
        description if description != summary else "",
        _times(alert, zone),
        _links(alert),
    ]
    return "\n\n" + style.line.join(line for line in lines if line)


def _labels(alert: Alert) -> str:
    told = [f"{name}: {value}" for name, value in sorted(alert.labels.items()) if name not in _SHOWN_APART]
    return plain(", ".join(told), _LABELS)


def _times(alert: Alert, zone: tzinfo | None) -> str:
    told = [
        f"{word} {at.astimezone(zone):%Y-%m-%d %H:%M:%S %z}"
        for word, at in (("since", alert.starts_at), ("until", alert.ends_at))
        if at
    ]
    return " ".join(told)


def _links(alert: Alert) -> str:
    runbook, graph = alert.annotations.get("runbook_url", ""), alert.source_url
    told = [
        _link("what to do", runbook) or (plain(f"what to do: {runbook}", _LINK) if runbook else ""),  # a path, perhaps
        _link("graph", graph),
    ]
    return " · ".join(words for words in told if words)


def _link(words: str, url: str) -> str:
    return f"[{words}]({url})" if _is_link(url) else ""


def _is_link(url: str) -> bool:
    return _size(url) <= _LINK and _URL.fullmatch(url) is not None


def _coloured(words: str, style: Style, *, firing: bool) -> str:
    return (style.firing if firing else style.resolved).format(words)


def _more(count: int) -> str:
    return f"\n\n{_ELLIPSIS} and {count} more"


def _size(words: str) -> int:
    return len(words.encode())
