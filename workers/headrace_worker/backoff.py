"""How long to wait before trying again; pure: chance and time are arguments."""

from collections import OrderedDict

from headrace_worker import bounds


def retry_s(failures: int, chance: float, retry_after_s: float = 0.0) -> float:
    """Return the wait after `failures` failed requests in a row (1 at first), in seconds.

    `chance` in 0..1 spreads workers over the upper half of the wait, so that a server that comes back is not met by all
    of them at once; what the server itself asked for is honoured up to the cap.
    """
    wait = bounds.RETRY_FIRST_S * 2.0 ** min(failures - 1, 16)
    wait = min(max(wait, retry_after_s), bounds.RETRY_MAX_S)
    return wait * (0.5 + chance / 2)


def restart_s(crashes: int, chance: float) -> float:
    """Return the wait before a crashed child is replaced: none for the first of its `crashes` of late."""
    if crashes <= 1:
        return 0.0
    wait = min(bounds.RESTART_FIRST_S * 2.0 ** min(crashes - 2, 16), bounds.RESTART_MAX_S)
    return wait * (0.5 + chance / 2)


class UnknownTasks:
    """What to do with jobs whose task this worker does not know.

    The first time a job is released at once: in a rolling deployment another worker knows its task and should not wait.
    A released job goes back to the head of its queue. If it comes here again, nobody else took it, and releasing it
    once more would spin and hold up everything behind it: it sits out 1, 2, 4 .. 60 s.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[str, int] = OrderedDict()

    def wait_ms(self, job_id: str) -> int:
        """Count one more sight of the job; return 0 to release it now, else for how long to put it off."""
        times = self._seen.pop(job_id, 0)
        self._seen[job_id] = times + 1
        if len(self._seen) > bounds.UNKNOWN_TASK_JOBS:
            self._seen.popitem(last=False)
        if times == 0:
            return 0
        return int(min(bounds.UNKNOWN_TASK_FIRST_MS * 2 ** min(times - 1, 16), bounds.UNKNOWN_TASK_MAX_MS))
