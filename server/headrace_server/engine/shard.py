"""One shard: its verbs as batches; it must not know other shards, or who waits."""

import asyncio
import math
import secrets
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import msgspec

from headrace_server.domain import limits
from headrace_server.domain.defaults import Defaults
from headrace_server.domain.errors import Code, NotDone, StoreFault, Unknown
from headrace_server.domain.jobs import Job, QueueStats
from headrace_server.domain.lifecycle import FINAL, State
from headrace_server.domain.requests import (
    Ack,
    Enqueued,
    EnqueueGroup,
    Extend,
    Grant,
    LeaseAsk,
    Nack,
    Release,
    Settle,
    Settled,
    Snooze,
)
from headrace_server.engine import decode, encode, enqueued, gathering, verdicts, weights
from headrace_server.engine.acts import Acts
from headrace_server.engine.batcher import Batcher, Bundle
from headrace_server.engine.due import Due
from headrace_server.engine.link import Link
from headrace_server.engine.scripts import Script
from headrace_server.engine.sluice import Sluice


class LeaseCall(msgspec.Struct, frozen=True):
    """One part of a lease request: at most as many jobs as one script may touch."""

    ask: LeaseAsk
    jobs: int
    mode: str  # new, append, replay
    first: bool  # the request has no job yet: the first one comes whatever its size
    wait_ms: int


class Part(msgspec.Struct, frozen=True):
    """The answer to a LeaseCall."""

    grant: Grant
    ending: str  # replayed; dry: no more in these queues; full: by jobs or bytes; cut: the script was full


# None: the script was full before it came to this call.
LeaseAnswer: TypeAlias = Part | None


class Meta(msgspec.Struct, frozen=True):
    """What a shard says of itself; fixed when it was made."""

    store_format: int
    min_reader: int  # the format that a reader must know
    shards: int
    test_clock: bool


class Standing(msgspec.Struct, frozen=True, gc=False):
    """Whether somebody need not wait for a job any more, and how much there is to read of it."""

    ended: bool  # or not there
    large_bytes: int = 0  # that its record has beside what lists show; 0 until it has ended


class Shard:
    """The verbs of one shard, each with its batcher."""

    def __init__(
        self,
        link: Link,
        scripts: dict[str, Script],
        defaults: Defaults,
        meta_key: bytes,
        jitter: Callable[[], float],
    ) -> None:
        self._link = link
        self._jitter = jitter
        self._polled: dict[str, float] = {}  # when the store was last told that somebody asks for a queue's jobs
        self._scripts = scripts
        self._defaults = defaults
        self.meta_key = meta_key
        self._sluice = Sluice(batches=limits.SURGE_BATCHES)
        self._batchers: list[Batcher[Any, Any]] = []
        self._make_batchers()
        self.due = Due()

    def _make_batchers(self) -> None:
        """Make a batcher for each verb: what goes together is run in this order, leases after all that frees jobs."""
        self.enqueue: Batcher[EnqueueGroup, Enqueued] = self._batcher(self._enqueue, weights.of_group, in_order=True)
        self._settles: dict[type, Batcher[Any, Settled]] = {
            Ack: self._settle_batcher("ack", encode.ack),
            Nack: self._settle_batcher("nack", lambda item: encode.nack(item, self._jitter())),
            Release: self._settle_batcher("release", encode.release),
            Snooze: self._settle_batcher("snooze", encode.snooze),
            Extend: self._settle_batcher("extend", encode.extend),
        }
        self.acts = Acts(self._write, self._batcher)
        # a job that is read comes with its payload and result: how many fit into one reply, only the script sees
        self.get: Batcher[bytes, Job | None] = self._batcher(partial(self._read_jobs, "get"), lambda _: (1, 0))
        self.watch: Batcher[tuple[bytes, int], Job | None] = self._batcher(self._watch, lambda _: (1, 0))
        self.wait: Batcher[tuple[bytes, int], Standing] = self._batcher(self._wait, lambda _: (1, 0))
        self.peek: Batcher[bytes, Job | None] = self._batcher(partial(self._read_jobs, "peek"), lambda _: (1, 0))
        self.stats: Batcher[str, QueueStats] = self._batcher(self._stats, lambda _: (1, limits.MAX_NAME_CHARS))
        self.clock: Batcher[None, int] = self._batcher(self._clock, lambda _: (0, 0))
        # one in a script: here the batcher only bounds how many are in flight
        self._rare: Batcher[tuple[str, encode.Args, float], tuple[int, list[Any]]]
        self._rare = self._batcher(self._ask, weights.alone)
        self._givebacks: Batcher[encode.Args, int] = self._batcher(self._giveback, weights.alone)
        self.lease: Batcher[LeaseCall, LeaseAnswer]
        self.lease = self._batcher(self._lease, lambda call: (1, 16 * call.jobs), in_order=True)

    def _batcher(
        self,
        run: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]],
        weigh: Callable[[Any], tuple[int, int]],
        *,
        in_order: bool = False,
    ) -> Batcher[Any, Any]:
        """Make a batcher; scripts of one `in_order` must not overtake each other."""
        sluice = self._sluice
        if not self.keeps_order:  # each of its own, for what goes together may arrive in any order
            sluice = Sluice(in_flight=1 if in_order else limits.SURGES_IN_FLIGHT)
        batcher: Batcher[Any, Any] = Batcher(run, weigh, sluice=sluice, seen=self._link.meters.batched)
        self._batchers.append(batcher)
        return batcher

    @property
    def keeps_order(self) -> bool:
        """Whether the store runs scripts in the order in which they were called, and a lease after all that waits."""
        return self._link.keeps_order

    def settle(self, kind: type[Settle], items: Sequence[Settle]) -> list[Bundle[Settle, Settled]]:
        """Queue settles or extends of one kind with their verb's batches; in order."""
        return self._settles[kind].submit_all(items)

    def ask(self, verb: str, args: encode.Args) -> "asyncio.Future[tuple[int, list[Any]]]":
        """Run a verb that comes too rarely for batches; return the store's clock and the script's answers."""
        return self._rare.submit((verb, args, asyncio.get_running_loop().time()))

    async def join(self) -> None:
        """Return when every call queued so far has been answered."""
        await asyncio.gather(*(batcher.join() for batcher in self._batchers))

    async def init(self, *, shard: int, shards: int, store_format: int, test_clock: bool) -> Meta:
        """Make the shard's meta where there is none; return what it says."""
        args: encode.Args = [store_format, shard, shards, secrets.token_hex(8), "1" if test_clock else ""]
        answer = await self._link.call(self._scripts["init"], self.meta_key, args)
        return Meta(int(answer[0]), int(answer[1]), int(answer[2]), test_clock=answer[4] is not None)

    async def giveback(self, ask: LeaseAsk, grant: Grant) -> None:
        """Return the leases of a grant that nobody received; none if the request was repeated meanwhile."""
        key = ask.key or b""
        for start in range(0, len(grant.jobs), limits.SCRIPT_JOBS):
            jobs = grant.jobs[start : start + limits.SCRIPT_JOBS]
            leases = [part for job in jobs for part in (job.id, job.token)]
            given_back = await self._givebacks.submit([ask.worker or "", key, len(jobs), *leases])
            if key and not given_back:
                return
            key = b""  # the record is gone: one of the same key that comes now belongs to another grant

    async def tick(self) -> int:
        """Work off what is due in one bounded script; return how many jobs and records it touched."""
        _, answers = await self._write(
            "tick", [limits.TICK_STEPS, limits.TICK_JOBS, limits.SCRIPT_JOBS, repr(self._jitter())]
        )
        self.due.told(None)  # also when there is nothing to come
        return int(answers[0])

    async def _write(self, verb: str, args: encode.Args) -> tuple[int, list[Any]]:
        """Run a writing verb, once more if its answer was lost, and note the next due time."""
        script = self._scripts[verb]
        try:
            answer = await self._link.call(script, self.meta_key, args)
        except Unknown as error:
            # of a lease only the caller holds what makes a repeat safe: the key
            if verb == "lease" or error.code is not Code.STORE_UNREACHABLE:
                raise
            answer = await self._repeat(script, args)
        _, now, next_due, answers = answer
        now_ms = int(now)
        if next_due:
            self.due.told(float(next_due) - now_ms)
        return now_ms, answers

    async def _repeat(self, script: Script, args: encode.Args) -> list[Any]:
        """Run a script again whose answer was lost: ids, keys and tokens make it answer as the first time."""
        try:
            return await self._link.call(script, self.meta_key, args)
        except StoreFault as error:  # also a refusal now says nothing about the first time
            raise Unknown(error.code, error.detail) from error

    async def _read(self, verb: str, args: encode.Args) -> tuple[int, list[Any]]:
        _, now, _, answers = await self._link.call(self._scripts[verb], self.meta_key, args)
        return int(now), answers

    async def _enqueue(self, groups: Sequence[EnqueueGroup]) -> list[Enqueued]:
        runs = gathering.runs(groups)
        now_ms, answers = await self._write("enqueue", encode.enqueue([gathering.as_one(run) for run in runs]))
        return [
            enqueued.read(own, group, now_ms, self._defaults)
            for answer, run in zip(answers, runs, strict=True)
            for own, group in zip(gathering.apart(answer, run), run, strict=True)
        ]

    async def _lease(self, calls: Sequence[LeaseCall]) -> list[LeaseAnswer]:
        args: encode.Args = [limits.SCRIPT_JOBS, limits.SCRIPT_BYTES, len(calls)]
        for call in calls:
            tokens = secrets.token_bytes(16 * call.jobs)
            args += encode.lease(
                call.ask,
                jobs=call.jobs,
                mode=call.mode,
                first=call.first,
                wait_ms=call.wait_ms,
                seen=self._is_news(call.ask.queues),
                tokens=tokens,
            )
        now_ms, answers = await self._write("lease", args)
        return [self._part(answer, now_ms) for answer in answers]

    def _is_news(self, queues: Sequence[str]) -> bool:
        """Return whether the store should note these polls: for explanations it is enough to know every few seconds."""
        at = asyncio.get_running_loop().time()
        if all(at - self._polled.get(queue, -math.inf) < limits.POLL_SEEN_MS / 1000 for queue in queues):
            return False
        if len(self._polled) > limits.BATCH_QUEUE_ITEMS:
            self._polled.clear()  # anybody may name any queue
        self._polled.update(dict.fromkeys(queues, at))
        return True

    def _part(self, answer: Sequence[Any], now_ms: int) -> LeaseAnswer:
        ending = answer[0].decode()
        if ending == "again":
            return None
        jobs = decode.leased(answer[1:], self._defaults)
        return Part(Grant(jobs=jobs, now_ms=now_ms, replayed=ending == "replayed"), ending)

    def _settle_batcher(self, verb: str, encode_item: Callable[[Any], encode.Args]) -> Batcher[Any, Settled]:
        async def run(items: Sequence[Any]) -> list[Settled]:
            args: encode.Args = [len(items)]
            for item in items:
                args += encode_item(item)
            now_ms, answers = await self._write(verb, args)
            return verdicts.settled(answers, now_ms)

        return self._batcher(run, weights.of_settle)

    async def _read_jobs(self, verb: str, ids: Sequence[bytes]) -> list[Job | None]:
        found: list[Job | None] = []
        while len(found) < len(ids):
            rest = ids[len(found) :]
            _, answers = await self._read(verb, list(rest))
            found += self._jobs(rest, answers)
        return found

    async def _wait(self, items: Sequence[tuple[bytes, int]]) -> list[Standing]:
        _, answers = await self._write("wait", [len(items), *(part for item in items for part in item)])
        return [Standing(state == b"" or State(state.decode()) in FINAL, int(size)) for state, size in answers]

    async def _watch(self, items: Sequence[tuple[bytes, int]]) -> list[Job | None]:
        found: list[Job | None] = []
        while len(found) < len(items):
            rest = items[len(found) :]
            _, answers = await self._write("watch", [len(rest), *(part for item in rest for part in item)])
            found += self._jobs([job_id for job_id, _ in rest], answers)
        return found

    def _jobs(self, ids: Sequence[bytes], answers: Sequence[list[bytes]]) -> list[Job | None]:
        """Return the first of these jobs, as many as fitted into the reply: one at least."""
        return [decode.job(job_id, flat, self._defaults) for job_id, flat in zip(ids, answers, strict=False)]

    async def _ask(self, items: Sequence[tuple[str, encode.Args, float]]) -> list[tuple[int, list[Any]]]:
        [(verb, args, asked_at)] = items
        if asyncio.get_running_loop().time() - asked_at > limits.QUEUED_MS / 1000:
            raise NotDone(Code.OVERLOADED, "the calls before this one took too long; is the store slow?")
        return [await (self._write if self._scripts[verb].writes else self._read)(verb, args)]

    async def _clock(self, asked: Sequence[None]) -> list[int]:
        now_ms, _ = await self._read("get", [])
        return [now_ms] * len(asked)

    async def _giveback(self, items: Sequence[encode.Args]) -> list[int]:
        [args] = items
        _, [given_back] = await self._write("giveback", args)
        return [int(given_back)]

    async def _stats(self, queues: Sequence[str]) -> list[QueueStats]:
        now_ms, answers = await self._read("stats", list(queues))
        return [decode.stats(queue, words, now_ms) for queue, words in zip(queues, answers, strict=True)]
