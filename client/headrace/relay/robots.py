"""The robots: where each is reached, what it is told, and what its answer means; pure, time is an argument.

Both answer 200 to everything and say in the body whether they took it: `errcode` 0 is the only success.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple, Protocol
from urllib.parse import urlencode

from headrace.relay import markdown
from headrace.relay.alerts import Notification

_SHOWN_CHARS: Final = 200  # of what a robot says about a refusal
_FAULTY: Final = frozenset({-1})  # "system busy", of both: their own fault, gone in a moment
_TOO_MANY: Final = frozenset(
    {
        45009,  # WeCom: more than 20 messages a minute
        45033,  # WeCom: too many at a time
        130101,  # DingTalk: more than 20 messages a minute; silent for ten minutes then
        410100,  # DingTalk: too many
    }
)


class Outcome(Enum):
    """What became of a message."""

    TOLD = "told"
    REFUSED = "refused"  # by the robot: a wrong key, a wrong signature; trying again at once gives the same
    TOO_MANY = "too many"  # by the robot: trying again at once makes it worse
    UNREACHABLE = "unreachable"  # no answer, or one that is none of a robot's


class Verdict(NamedTuple):
    """What an answer means."""

    outcome: Outcome
    code: int | None = None  # the robot's errcode, or the status of HTTP; None without an answer
    why: str | None = None


class Robot(Protocol):
    """One robot of one chat."""

    @property
    def name(self) -> str:
        """The path at which Alertmanager reaches it, without the slash."""

    def url(self, now_ms: int) -> str:
        """Return where to send a message now (since 1970, in ms); it holds secrets."""

    def message(self, notification: Notification) -> bytes:
        """Return the body to send."""


@dataclass(frozen=True, slots=True)
class WeCom:
    """A robot of a WeCom group (企业微信群机器人)."""

    base_url: str
    key: str = field(repr=False)
    name: str = "wecom"

    def url(self, now_ms: int) -> str:
        """Return the address with the key; WeCom asks for nothing else."""
        del now_ms
        return f"{self.base_url}?{urlencode({'key': self.key})}"

    def message(self, notification: Notification) -> bytes:
        """Return a message in markdown."""
        return _json({"msgtype": "markdown", "markdown": {"content": markdown.text(notification, _WECOM)}})


@dataclass(frozen=True, slots=True)
class DingTalk:
    """A custom robot of a DingTalk group (钉钉自定义机器人)."""

    base_url: str
    token: str = field(repr=False)
    secret: str = field(default="", repr=False)  # empty: the robot asks for no signature
    name: str = "dingtalk"

    def url(self, now_ms: int) -> str:
        """Return the address with token and, where there is a secret, time and signature: they hold for an hour."""
        words = {"access_token": self.token}
        if self.secret:
            words |= {"timestamp": str(now_ms), "sign": sign(self.secret, now_ms)}
        return f"{self.base_url}?{urlencode(words)}"

    def message(self, notification: Notification) -> bytes:
        """Return a message in markdown."""
        said = {"title": markdown.title(notification), "text": markdown.text(notification, _DINGTALK)}
        return _json({"msgtype": "markdown", "markdown": said})


# The colours are the three that WeCom knows by name; DingTalk takes any.
_WECOM: Final = markdown.Style(
    limit=4096, firing='<font color="warning">{}</font>', resolved='<font color="info">{}</font>'
)
_DINGTALK: Final = markdown.Style(
    limit=16_000,  # of the 20,000 bytes that the whole message may have
    firing="<font color=#d93026>{}</font>",
    resolved="<font color=#188038>{}</font>",
)


def sign(secret: str, now_ms: int) -> str:
    """Return DingTalk's signature: HMAC-SHA256 with the secret over time and secret, in base64."""
    words = f"{now_ms}\n{secret}"
    return base64.b64encode(hmac.digest(secret.encode(), words.encode(), hashlib.sha256)).decode()


def judge(status: int, body: bytes) -> Verdict:
    """Return what an answer means."""
    if status != 200:
        return Verdict(Outcome.TOO_MANY if status == 429 else Outcome.UNREACHABLE, status)
    try:
        document = json.loads(body)
        code, why = int(document["errcode"]), str(document.get("errmsg", ""))[:_SHOWN_CHARS]
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return Verdict(Outcome.UNREACHABLE, status, "an answer that is none of a robot's")
    if code == 0:
        return Verdict(Outcome.TOLD)
    if code in _FAULTY:
        return Verdict(Outcome.UNREACHABLE, code, why)
    return Verdict(Outcome.TOO_MANY if code in _TOO_MANY else Outcome.REFUSED, code, why)


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
