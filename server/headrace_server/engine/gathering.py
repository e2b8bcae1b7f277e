"""Sends single jobs of different callers as one group, where they differ in nothing but id and payload.

Most jobs that come one by one at the same time are such: they are of one task, from one service. As a group they are
one set of arguments, one loop in the script and one text of its answer. It must not know a caller, nor the store.
"""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from headrace_server.domain.alike import Alike
from headrace_server.domain.jobs import NewJob
from headrace_server.domain.requests import EnqueueGroup, EnqueueStatus
from headrace_server.engine.encode import is_plain

_SHARED: Final = attrgetter(
    *(name for name in NewJob.__struct_fields__ if name not in ("id", "payload")), "payload.format", "payload.media"
)
_REFUSALS: Final = frozenset(status.value.encode() for status in EnqueueStatus if status is not EnqueueStatus.CREATED)
_FIRST: Final = b"0"  # the index of the only job of a group


def runs(groups: Sequence[EnqueueGroup]) -> list[Sequence[EnqueueGroup]]:
    """Return the groups in their order: those that can be sent as one together, any other by itself."""
    if len(groups) == 1:
        return [groups]
    found: list[Sequence[EnqueueGroup]] = []
    for likeness, run in groupby(groups, _likeness):
        if likeness is None:
            found += ([group] for group in run)
        else:
            found.append(list(run))
    return found


def as_one(run: Sequence[EnqueueGroup]) -> EnqueueGroup:
    """Return the group to send for a run: its jobs, each for itself."""
    first = run[0]
    if len(run) == 1:
        return first
    jobs = [group.jobs[0] for group in run]
    alike = Alike(jobs[0], b"".join([job.id for job in jobs]), [job.payload.data for job in jobs])
    return EnqueueGroup(alike, each=True, brief=first.brief)


def apart(answer: Sequence[bytes], run: Sequence[EnqueueGroup]) -> Sequence[Sequence[bytes]]:
    """Return the answer to each group of a run, as if it had been sent by itself (`lua/enqueue.lua` has the forms)."""
    size, created, told = len(run), answer[0], answer[1:]
    if size == 1:
        return [answer]
    if len(told) == size:
        return [[words, _FIRST] if words in _REFUSALS else [created, words] for words in told]
    state, _, rest = told[0].partition(b" ")  # one text for all: they are new, and follow each other
    if not rest:
        return [answer] * size
    first, _, rest = rest.partition(b" ")
    return [[created, b"%b %d %b" % (state, rev, rest)] for rev in range(int(first), int(first) + size)]


def _likeness(group: EnqueueGroup) -> object:
    """Return what groups have in common that can be sent as one; None for one that stays by itself."""
    if group.key is not None or group.each or len(group.jobs) > 1 or not is_plain(group.jobs[0]):
        return None
    return group.brief, _SHARED(group.jobs[0])
