"""What the relay is told by its environment: keys, or files that hold them; never by words of a command line.

Other users of a machine can read a command line, and a shell remembers it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from headrace.relay.robots import DingTalk, Robot, WeCom

WECOM_KEY: Final = "HEADRACE_WECOM_KEY"
WECOM_URL: Final = "HEADRACE_WECOM_URL"
DINGTALK_TOKEN: Final = "HEADRACE_DINGTALK_TOKEN"
DINGTALK_SECRET: Final = "HEADRACE_DINGTALK_SECRET"
DINGTALK_URL: Final = "HEADRACE_DINGTALK_URL"
RELAY_TOKEN: Final = "HEADRACE_RELAY_TOKEN"

_URLS: Final = {
    WECOM_URL: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
    DINGTALK_URL: "https://oapi.dingtalk.com/robot/send",
}
_WORD: Final = re.compile(r"[!-~]{1,512}")
_ADDRESS: Final = re.compile(r"https?://[^\s?#@]+")


class Misconfigured(Exception):
    """The relay cannot work so; the text says what to change, and holds no secret."""


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """What the relay works with."""

    robots: tuple[Robot, ...]
    token: str = field(repr=False)  # what a request must bring as its bearer token; empty: anything is taken
    secrets: tuple[str, ...] = field(repr=False)  # what must never be in a log


def read(environ: Mapping[str, str]) -> RelaySettings:
    """Return the settings. Raises Misconfigured."""
    key, access, secret = (_secret(environ, name) for name in (WECOM_KEY, DINGTALK_TOKEN, DINGTALK_SECRET))
    token = _secret(environ, RELAY_TOKEN)
    robots: list[Robot] = []
    if key:
        robots.append(WeCom(_url(environ, WECOM_URL), key))
    if access:
        robots.append(DingTalk(_url(environ, DINGTALK_URL), access, secret))
    elif secret:
        raise Misconfigured(f"{DINGTALK_SECRET} is set and {DINGTALK_TOKEN} is not: DingTalk needs the token, too")
    if not robots:
        raise Misconfigured(
            f"there is no robot to tell: set {WECOM_KEY} or {DINGTALK_TOKEN} (and {DINGTALK_SECRET}), or name a file "
            f"that holds it in {WECOM_KEY}_FILE or {DINGTALK_TOKEN}_FILE"
        )
    return RelaySettings(tuple(robots), token, tuple(word for word in (key, access, secret, token) if word))


def _secret(environ: Mapping[str, str], name: str) -> str:
    """Return the secret of this name, or what its file holds; empty where there is neither."""
    said, file = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "")
    if said and file:
        raise Misconfigured(f"{name} and {name}_FILE are both set: take one away")
    if not file:
        return _checked(name, said) if said else ""
    try:
        held = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Misconfigured(f"{name}_FILE: {file} cannot be read: {why}") from None
    return _checked(f"{name}_FILE", held)


def _checked(name: str, word: str) -> str:
    if "://" in word:
        raise Misconfigured(f"{name} is an address: give only what stands behind `key=` or `access_token=` in it")
    if not _WORD.fullmatch(word):
        raise Misconfigured(f"{name} is empty, or holds spaces or other characters that no key has")
    return word


def _url(environ: Mapping[str, str], name: str) -> str:
    url = environ.get(name) or _URLS[name]
    if not _ADDRESS.fullmatch(url):
        raise Misconfigured(f"{name}: an address that begins with http:// or https://, without a query")
    return url
