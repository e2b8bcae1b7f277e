"""What the worker is to do as things stand: run, be quiet, stop; it must not know who said so, nor how it is done."""

from collections.abc import Callable

from headrace import Directive

from headrace_worker import log


class Duty:
    """The duty of one worker. It goes between run and quiet as often as somebody likes; a stop is for good."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop
        self._now = Directive.RUN
        self.changed: Callable[[], None] = lambda: None

    @property
    def now(self) -> Directive:
        """What it does."""
        return self._now

    @property
    def takes_jobs(self) -> bool:
        """Whether it asks for jobs."""
        return self._now is Directive.RUN

    def obey(self, directive: Directive | None) -> None:
        """Do what the server says, which it does in every answer; a word that is not known here changes nothing."""
        if directive is None or directive is self._now or self._now is Directive.STOP:
            return
        if directive is Directive.STOP:
            log.info("the server says stop")
            self._stop()  # which comes back here, by `stopping`
        elif directive in (Directive.RUN, Directive.QUIET):
            log.info("the server says run" if directive is Directive.RUN else "the server says quiet")
            self._become(directive)

    def stopping(self) -> None:
        """Take in that the worker stops, whoever wanted it."""
        if self._now is not Directive.STOP:
            self._become(Directive.STOP)

    def _become(self, directive: Directive) -> None:
        self._now = directive
        self.changed()
