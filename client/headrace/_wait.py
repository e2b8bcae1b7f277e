"""The verbs of those who wait for work to be done: for one job, for many."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from headrace._produce import Produce
from headrace._read import read_job
from headrace._steps import Pause, Reply, Steps
from headrace._wire import MAX_WAIT_S, Call, document_of
from headrace.errors import NotFound
from headrace.models import Job
from headrace.words import State

MAX_WAIT_JOBS: Final = 1_000  # that a server waits for with one request
_EARLY_PAUSE_S: Final = 0.25  # after a poll that came back early (a draining server): do not spin
_TURN_S: Final = 2.0  # of a thousand jobs, where more are waited for by turns


@dataclass(frozen=True)
class _Waited:
    """The answer to one request."""

    jobs: dict[str, Job]
    done: bool


class Wait(Produce):
    """The verbs that wait."""

    def wait(self, job_id: str, *, timeout: float | None = None) -> Steps[Job]:
        """Wait until a job is final, `timeout` seconds at most (None: as long as it takes).

        Returns the job as it is then: look at `state.is_final`. Raises NotFound.
        """
        end = None if timeout is None else self._clock() + timeout
        while True:
            left_s = MAX_WAIT_S if end is None else max(0.0, min(MAX_WAIT_S, end - self._clock()))
            asked_at = self._clock()
            job = yield from self.get(job_id, wait_s=int(left_s))
            now = self._clock()
            if job.state.is_final or (end is not None and now >= end):
                return job
            if now - asked_at < int(left_s) or left_s < 1:
                yield Pause(_EARLY_PAUSE_S if end is None else min(_EARLY_PAUSE_S, end - now))

    def wait_many(
        self,
        ids: Iterable[str],
        *,
        mode: Literal["all", "any"] = "all",
        timeout: float | None = None,
        summary: bool = False,
    ) -> Steps[tuple[Job, ...]]:
        """Wait until all (`any`: at least one) of many jobs are final, `timeout` seconds at most (None: no bound).

        One request at a time, of a thousand jobs each. Returns the jobs as they are then, in the order of `ids`: look
        at `state.is_final`; an id that nobody has is `gone`. Those that are not final, and with `summary` all, come
        `abridged`: without payload, result and whatever else may be large.
        """
        wanted = list(ids)
        found: dict[str, Job] = {}
        end = None if timeout is None else self._clock() + timeout
        for chunk in _chunks(dict.fromkeys(wanted)):  # each one once, so that there is something to say of all
            only = len(wanted) <= MAX_WAIT_JOBS
            yield from self._wait_part(chunk, mode, self._left_s(end) if only else 0, summary, found)
        while not _is_done(found, mode) and self._left_s(end) > 0:
            for chunk in _chunks([job_id for job_id, job in found.items() if not job.state.is_final]):
                turn_s = MAX_WAIT_S if mode == "all" or len(found) <= MAX_WAIT_JOBS else _TURN_S
                yield from self._wait_part(chunk, mode, min(turn_s, self._left_s(end)), summary, found)
                if mode == "any" and _is_done(found, mode):
                    break
        return tuple(found[job_id] for job_id in wanted)

    def _left_s(self, end: float | None) -> float:
        return MAX_WAIT_S if end is None else max(0.0, min(MAX_WAIT_S, end - self._clock()))

    def _wait_part(
        self, ids: Sequence[str], mode: str, wait_s: float, summary: bool, found: dict[str, Job]
    ) -> Steps[None]:
        """Ask once, and note what came; a reply that comes early without a reason is followed by a pause."""
        body = {"ids": ids, "mode": mode, "wait_ms": int(wait_s * 1000), "summary": summary}
        request = self._dialect.request("POST", "/v1/jobs/wait", body=body)
        asked_at = self._clock()
        call = Call(request=request, read=lambda r: _read_waited(r, ids), repeatable=True, wait_s=wait_s)
        waited = yield from self._call(call)
        for job_id, job in waited.jobs.items():
            is_cut = job.abridged and job.state.is_final and not summary  # the reply was full
            found[job_id] = (yield from self._whole(job_id)) if is_cut else job
        early_s = wait_s - (self._clock() - asked_at)
        if not waited.done and early_s > 0:
            yield Pause(min(_EARLY_PAUSE_S, early_s))

    def _whole(self, job_id: str) -> Steps[Job]:
        try:
            return (yield from self.get(job_id))
        except NotFound:
            return Job(id=job_id, state=State.GONE)


def _chunks(ids: Iterable[str]) -> Iterator[list[str]]:
    every = list(ids)
    return (every[start : start + MAX_WAIT_JOBS] for start in range(0, len(every), MAX_WAIT_JOBS))


def _is_done(found: dict[str, Job], mode: str) -> bool:
    return not found or (any if mode == "any" else all)(job.state.is_final for job in found.values())


def _read_waited(reply: Reply, ids: Sequence[str]) -> _Waited:
    document = document_of(reply)
    jobs = (read_job(item) for item in document["jobs"])
    return _Waited(dict(zip(ids, jobs, strict=True)), document["done"])
