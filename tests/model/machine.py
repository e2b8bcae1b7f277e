"""The whole state machine: workers and producers, and operators who get in their way."""

from headrace_server.domain.lifecycle import FINAL, State
from headrace_server.domain.operations import OperationAsk
from headrace_server.domain.queues import LimitSettings, QueueSettings
from headrace_server.domain.requests import Redrive
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.model import chances, orders
from tests.model.beside import STRANGERS
from tests.model.compare import plain_attempts, plain_operation, same
from tests.model.workers import Workers

LIMIT_NAMES = ("api", "api:x", "api:y", "apix")


class EngineBesideOracle(Workers):
    """Rules about operators, over those about workers."""

    # -- single jobs ----------------------------------------------------------------------------------

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        held = [job_id for job_id, token in self._live() if self._is_live(job_id, token)]
        asks = data.draw(st.lists(orders.cancels(self._mostly(held)), min_size=1, max_size=3))
        same(self.real.cancel(asks), self.oracle.cancel(asks))

    @rule(data=st.data(), everything=st.booleans())
    def redrive(self, data: st.DataObject, everything: bool) -> None:
        dead = self._in(State.DEAD)
        asks = data.draw(st.lists(orders.redrives(self._mostly(dead)), min_size=1, max_size=3))
        if everything:
            asks = [Redrive(job_id=job_id) for job_id in dead]
        same(self.real.redrive(asks), self.oracle.redrive(asks))

    @rule(data=st.data())
    def patch(self, data: st.DataObject) -> None:
        waiting = self._mostly(self._in(State.SCHEDULED, State.READY, State.RETRYING))
        asks = data.draw(st.lists(orders.patches(waiting, self.oracle.now_ms()), min_size=1, max_size=3))
        same(self.real.patch(asks), self.oracle.patch(asks))

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        ids = data.draw(st.lists(st.sampled_from(self._mostly(self._in(*FINAL))), min_size=1, max_size=2))
        same(self.real.delete(ids), self.oracle.delete(ids))

    def _mostly(self, ids: list[bytes]) -> list[bytes]:
        """Return these jobs and one of all others; one that does not exist where there are none."""
        return [*ids[-6:], self.ids[-1]] if ids else [self.ids[-1], STRANGERS[0]]

    def _in(self, *states: State) -> list[bytes]:
        return [job_id for job_id, record in self.oracle.jobs.items() if record.state in states]

    # -- queues and limits ----------------------------------------------------------------------------

    @initialize(name=st.sampled_from(LIMIT_NAMES), settings=orders.limits)
    def begin_with_a_limit(self, name: str, settings: LimitSettings) -> None:
        same(self.real.set_limit(name, settings), self.oracle.set_limit(name, settings))

    @rule(queue=chances.queues, settings=orders.settings)
    def configure(self, queue: str, settings: QueueSettings) -> None:
        same(self.real.configure(queue, settings), self.oracle.configure(queue, settings))

    @rule(queue=chances.queues, what=st.sampled_from(["pause", "drain", "forget", *["resume"] * 4]), ms=orders.pauses)
    def stop_and_go(self, queue: str, what: str, ms: int | None) -> None:
        if what == "pause":
            same(self.real.pause(queue, ms), self.oracle.pause(queue, ms))
        elif what == "drain":
            same(self.real.drain(queue), self.oracle.drain(queue))
        elif what == "forget":
            same(self.real.forget(queue), self.oracle.forget(queue))
        else:
            for name in chances.QUEUES:
                same(self.real.resume(name), self.oracle.resume(name))

    @rule(name=st.sampled_from(LIMIT_NAMES), settings=orders.limits, what=st.sampled_from(["set", "set", "unset"]))
    def limit(self, name: str, settings: LimitSettings, what: str) -> None:
        if what == "unset":
            same(self.real.unset_limit(name), self.oracle.unset_limit(name))
        else:
            same(self.real.set_limit(name, settings), self.oracle.set_limit(name, settings))

    @rule(name=st.sampled_from(LIMIT_NAMES), ms=st.sampled_from([0, 1, 1_000, 30_000]))
    def back_off(self, name: str, ms: int) -> None:
        same(self.real.back_off(name, ms), self.oracle.back_off(name, ms))

    # -- many jobs, and looks at them -----------------------------------------------------------------

    @rule(ask=orders.operations(), stopped=st.sampled_from([False, False, False, True]))
    def operate(self, ask: OperationAsk, stopped: bool) -> None:
        """Ticks before and after: what else is due by then is no part of the operation."""
        self._tick()
        real, oracle = self.real.operate(ask), self.oracle.operate(ask)
        same(plain_operation(real), plain_operation(oracle))
        if stopped:
            views = (self.real.stop_operation(real.id), self.oracle.stop_operation(oracle.id))
            same(*map(plain_operation, views))
        self._tick()
        same(plain_operation(self.real.operation(real.id)), plain_operation(self.oracle.operation(oracle.id)))

    @rule(data=st.data())
    def look(self, data: st.DataObject) -> None:
        """What operators see; and there is nothing to mend."""
        same(self.real.findings(), [])
        self._compare_counters()
        wanted = data.draw(orders.filters)
        same(self.real.find(wanted), self.oracle.find(wanted))
        job_id = data.draw(st.sampled_from([*self.ids[-8:], *STRANGERS]))
        same(plain_attempts(self.real.attempts(job_id)), plain_attempts(self.oracle.attempts(job_id)))
        same(self.real.explain(job_id), self.oracle.explain(job_id))
        for queue in chances.QUEUES:
            same(self.real.queue(queue), self.oracle.queue(queue))
        for name in LIMIT_NAMES:
            same(self.real.limit(name), self.oracle.limit(name))
