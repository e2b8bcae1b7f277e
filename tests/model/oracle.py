"""The oracle: the engine's rules once more in plain, slow Python, with everything in dictionaries.

It is written from the design alone and must not know the scripts or the store: where the two differ, one of them is
wrong. Requests and answers are those of the engine; the test moves the clock (`clock_ms`) and chooses the tokens.
The rules themselves stand in the modules beside: one for each group of verbs, over one `World`.
"""

from collections.abc import Sequence

from headrace_server.domain.defaults import Defaults
from headrace_server.domain.finding import Attempt, JobFilter
from headrace_server.domain.jobs import Job, QueueStats
from headrace_server.domain.lifecycle import FINAL, HELD_BY_NOBODY, State
from headrace_server.domain.metrics import JobMetrics
from headrace_server.domain.queues import LimitSettings, LimitView, QueueSettings, QueueView

from tests.model.bulk import Bulk
from tests.model.enqueuing import Enqueuing
from tests.model.explaining import Told, reasons_of
from tests.model.finding import attempts_of, find
from tests.model.leasing import Leasing
from tests.model.operating import Operating
from tests.model.queues import FOR_EVER, Queue
from tests.model.settling import Settling, expire, put_back, reap
from tests.model.views import as_job, limit_view, metrics_of, stats_of, view_of
from tests.model.world import Change, World


class Oracle(World):
    """All shards of the engine."""

    def __init__(self, defaults: Defaults, shards: int = 1) -> None:
        super().__init__(defaults, shards)
        leasing, operating = Leasing(self), Operating(self)
        self.enqueue = Enqueuing(self).enqueue
        self.lease, self.giveback = leasing.lease, leasing.giveback
        self.settle = Settling(self).settle
        self.cancel, self.redrive = operating.cancel, operating.redrive
        self.patch, self.delete = operating.patch, operating.delete
        self._bulk = Bulk(self, operating)
        self.operate, self.operation = self._bulk.operate, self._bulk.operation
        self.stop_operation = self._bulk.stop_operation
        self._seen = 0  # of the history

    # -- queues and limits ----------------------------------------------------------------------------

    def queue(self, name: str) -> QueueView:
        """Return what an operator sees of a queue."""
        return view_of(self, name)

    def configure(self, name: str, settings: QueueSettings) -> QueueView:
        """Replace the settings of a queue."""
        self.begin()
        self.known(name).settings = settings
        return view_of(self, name)

    def pause(self, name: str, for_ms: int | None) -> QueueView:
        """Let a queue give nothing, for a time or until it is resumed."""
        now = self.begin()
        self.known(name).paused_until_ms = FOR_EVER if for_ms is None else now + for_ms
        return view_of(self, name)

    def resume(self, name: str) -> QueueView:
        """End pause and drain."""
        self.begin()
        queue = self.known(name)
        queue.paused_until_ms, queue.draining = 0, False
        return view_of(self, name)

    def drain(self, name: str) -> QueueView:
        """Let a queue take no new jobs."""
        self.begin()
        self.known(name).draining = True
        return view_of(self, name)

    def forget(self, name: str) -> QueueView | None:
        """Drop what operators said about a queue; a view: it still has jobs that have not ended."""
        self.begin()
        if self.open_jobs(name):
            return view_of(self, name)
        self.queues[name] = Queue(bucket=self.known(name).bucket)
        self.tallies.forgotten.add(name)
        return None

    def limit(self, name: str) -> LimitView:
        """Return what an operator sees of a limit."""
        return limit_view(self, name)

    def set_limit(self, name: str, settings: LimitSettings) -> LimitView:
        """Replace the settings of a limit."""
        self.begin()
        self.limits.settings[name] = settings
        return limit_view(self, name)

    def unset_limit(self, name: str) -> LimitView:
        """Drop the settings of a limit."""
        self.begin()
        self.limits.settings.pop(name, None)
        return limit_view(self, name)

    def back_off(self, name: str, for_ms: int) -> LimitView:
        """Hold all keys of a name back for a time; 0 ends that."""
        self.limits.held_until_ms[name] = self.begin() + for_ms
        return limit_view(self, name)

    # -- reads ----------------------------------------------------------------------------------------

    def get(self, ids: Sequence[bytes]) -> list[Job | None]:
        """Return each job as it is, None where there is none."""
        return [as_job(self, self.jobs[i]) if i in self.jobs else None for i in ids]

    def stats(self, queues: Sequence[str]) -> list[QueueStats]:
        """Count the jobs of each queue."""
        return [stats_of(self, queue) for queue in queues]

    def metrics(self) -> JobMetrics:
        """Return what was counted."""
        return metrics_of(self)

    def attempts(self, job_id: bytes) -> list[Attempt] | None:
        """Return what became of the deliveries of a job."""
        return attempts_of(self, job_id)

    def explain(self, job_id: bytes) -> set[Told] | None:
        """Return why a job is where it is."""
        return reasons_of(self, job_id)

    def find(self, wanted: JobFilter) -> set[bytes]:
        """Return the ids of all jobs that a filter means."""
        return find(self, wanted)

    def new_events(self) -> list[Change]:
        """Return what happened since this was asked last."""
        events = self.history[self._seen :]
        self._seen = len(self.history)
        return events

    def check(self) -> None:
        """Hold the oracle to its own words: a deadline belongs to a lease, a place to one ready job."""
        for record in self.jobs.values():
            assert (record.deadline_ms is not None) == (record.state is State.LEASED)
        places = [r.place for r in self.jobs.values() if r.state is State.READY]
        assert len(set(places)) == len(places)

    # -- what happens by itself -----------------------------------------------------------------------

    def tick(self) -> None:
        """Do everything that is due."""
        now = self.begin()
        for record in list(self.jobs.values()):
            if record.state is State.LEASED and _is_past(record.deadline_ms, now):
                reap(self, record, now)
        self._promote(now)
        self._bulk.work_off(now)
        self._sweep(now)
        self.replays.drop_dead(self.jobs)

    def open_lanes(self) -> None:
        """Let limits that have room take effect: here they always do."""
        self.tick()

    def _promote(self, now: int) -> None:
        waiting = [r for r in self.jobs.values() if r.state in (State.SCHEDULED, State.RETRYING)]
        for record in sorted(waiting, key=lambda r: (r.due_ms or 0, r.new.id)):
            if _is_past(record.due_ms, now):
                if record.state is State.RETRYING and record.lane is not None:
                    put_back(self, record)
                else:
                    self.line_up(record)
                    self.move(record, State.READY)

    def _sweep(self, now: int) -> None:
        for record in list(self.jobs.values()):
            if record.state in HELD_BY_NOBODY and _is_past(record.expires_at_ms, now):
                expire(self, record)
            if record.state in FINAL and _is_past(record.prune_at_ms, now):
                self.remove(record)


def _is_past(instant: int | None, now: int) -> bool:
    return instant is not None and instant <= now
