"""What holds for a job where several may say it: the job, its queue, the server, field by field; read when needed."""

from headrace_server.domain.defaults import Defaults
from headrace_server.domain.jobs import NewJob
from headrace_server.domain.lifecycle import State
from headrace_server.domain.queues import QueueSettings
from headrace_server.domain.retry import OnExhausted, RetryPolicy


class Rules:
    """The options in force for one job at this moment."""

    def __init__(self, new: NewJob, settings: QueueSettings, defaults: Defaults) -> None:
        self._new, self._settings, self._defaults = new, settings, defaults

    def lease_ms(self, asked: int | None) -> int:
        """Return the length of a lease that was asked for with `asked`."""
        return _first(asked, self._new.lease_ms, self._settings.lease_ms, self._defaults.lease_ms)

    @property
    def priority(self) -> int:
        return _first(self._new.priority, self._settings.priority, self._defaults.priority)

    @property
    def max_crashes(self) -> int:
        return _first(self._new.max_crashes, self._settings.max_crashes, self._defaults.max_crashes)

    @property
    def max_attempts(self) -> int:
        return _first(self.policy.max_attempts)

    @property
    def max_runtime_ms(self) -> int | None:
        return _any(self._new.max_runtime_ms, self._settings.max_runtime_ms)

    def result_ttl_ms(self, asked: int | None) -> int | None:
        """Return how long a result is kept; None: as long as the record."""
        return _any(asked, self._new.result_ttl_ms, self._settings.result_ttl_ms)

    @property
    def policy(self) -> RetryPolicy:
        wishes = [self._new.retry or RetryPolicy(), self._settings.retry or RetryPolicy()]
        merged = {}
        for name in RetryPolicy.__struct_fields__:
            said = [getattr(wish, name) for wish in wishes if getattr(wish, name) is not None]
            merged[name] = said[0] if said else getattr(self._defaults, name, None)
        return RetryPolicy(**merged)

    def retention_ms(self, state: State) -> int:
        """Return how long the record outlives a final state."""
        if state is State.DEAD and self.policy.on_exhausted is OnExhausted.DISCARD:
            return 0
        name = f"{state.value}_retention_ms"
        return _first(self._new.retention_ms, getattr(self._settings, name), getattr(self._defaults, name))


def _any(*wishes: int | None) -> int | None:
    return next((wish for wish in wishes if wish is not None), None)


def _first(*wishes: int | None) -> int:
    found = _any(*wishes)
    assert found is not None
    return found
