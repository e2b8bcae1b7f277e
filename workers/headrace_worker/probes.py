"""What the probes say: /livez, /readyz, /metrics."""

import asyncio
import importlib.util
from http import HTTPStatus

from headrace_worker import log
from headrace_worker.about import About
from headrace_worker.health import Answer, Health, Page, told

_MISSING = "pip install 'headrace[metrics]'"


class CannotListen(Exception):
    """The address for the probes is taken, or is none; the text says which."""


class Probes:
    """Answers before the app is imported, and until the worker has ended."""

    def __init__(self) -> None:
        self._about: About | None = None
        self._metrics: Page = _no_metrics
        self._health = Health({"/livez": _livez, "/readyz": self._readyz, "/metrics": self._measure})

    def open(self, host: str, port: int) -> None:
        """Listen, on the loop that works. Raises CannotListen."""
        try:
            self._health.open(host, port)
        except OSError as error:
            raise CannotListen(f"cannot answer probes on {host}:{port}: {error.strerror or error}") from None
        if not _has_metrics():
            log.warning("no metrics here", why=_MISSING)

    def show(self, about: About) -> None:
        """Take in that the worker has started."""
        self._about = about
        if self._health.url and _has_metrics():
            from headrace_worker import metrics

            self._metrics = metrics.page(about)

    async def close(self) -> None:
        """Answer no more."""
        await asyncio.to_thread(self._health.close)

    def _measure(self) -> Answer:
        return self._metrics()

    def _readyz(self) -> Answer:
        why = ["it is starting"] if self._about is None else list(self._about.unready())
        if why:
            return told(HTTPStatus.SERVICE_UNAVAILABLE, status="not ready", why=why)
        return told(HTTPStatus.OK, status="ok")


def _livez() -> Answer:
    return told(HTTPStatus.OK, status="ok")


def _no_metrics() -> Answer:
    if _has_metrics():
        return told(HTTPStatus.SERVICE_UNAVAILABLE, status="not ready", why=["it is starting"])
    return told(HTTPStatus.NOT_IMPLEMENTED, status="no metrics here", why=[_MISSING])


def _has_metrics() -> bool:
    return importlib.util.find_spec("prometheus_client") is not None
