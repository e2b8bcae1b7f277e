"""Says why a job is where it is: what its own shard tells, and whether any worker would take it."""

from collections.abc import Sequence
from typing import Any, Final

from headrace_server.domain.finding import Explanation, Reason, ReasonCode
from headrace_server.domain.lifecycle import State
from headrace_server.engine import decode
from headrace_server.engine.fleet import Fleet

# what matters less than that nobody would take the job
_LESSER: Final = (ReasonCode.BEHIND, ReasonCode.NO_POLLER)


class Explaining(Fleet):
    """The call that explains a job."""

    async def explain(self, job_id: bytes) -> Explanation | None:
        """Return why a job is where it is; None for an unknown id. Raises StoreFault."""
        shard = self._shard_of(job_id)
        if shard is None:
            return None
        now_ms, answer = await shard.ask("explain", [job_id])
        job = decode.job(job_id, answer[0], self._defaults) if answer else None
        if job is None:
            return None
        reasons = [*map(_reason, answer[1:])]
        is_polled = not any(reason.code is ReasonCode.NO_POLLER for reason in reasons)
        if job.state is State.READY and await self.is_without_worker(job.queue, job.task, is_polled=is_polled):
            reasons = _with_no_worker(reasons)
        return Explanation(job=job, reasons=reasons, now_ms=now_ms)


def _with_no_worker(reasons: Sequence[Reason]) -> list[Reason]:
    kept = [reason for reason in reasons if reason.code is not ReasonCode.NEXT]
    first = [reason for reason in kept if reason.code not in _LESSER]
    return [*first, Reason(code=ReasonCode.NO_WORKER), *(reason for reason in kept if reason.code in _LESSER)]


def _reason(answer: Sequence[Any]) -> Reason:
    code, *flat = answer
    facts = {name: value for name, value in zip(flat[::2], flat[1::2], strict=True) if value}
    key = facts.get(b"key")
    return Reason(
        code=ReasonCode(code.decode()),
        key=None if key is None else key.decode(),
        until_ms=_number(facts.get(b"until")),
        in_use=_number(facts.get(b"in_use")),
        limit=_number(facts.get(b"limit")),
        position=_number(facts.get(b"position")),
        job_id=facts.get(b"job_id"),
        seen_ms=_number(facts.get(b"seen")),
    )


def _number(word: bytes | None) -> int | None:
    return int(word) if word else None
