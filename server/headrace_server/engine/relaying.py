"""The logs of events become deliveries of webhooks: one job for each event and webhook, however many servers do this.

How far a log was read is kept beside the webhooks, and is moved on in the script that writes the jobs: whoever comes
second finds it moved, and writes nothing.
"""

import msgspec

from headrace_server.domain import limits
from headrace_server.domain.events import Event
from headrace_server.domain.ids import format_id, slot_id
from headrace_server.domain.webhooks import QUEUE_PREFIX, Notice, WebhookView, is_own, message_digest, type_of
from headrace_server.engine import encode
from headrace_server.engine.listening import Part
from headrace_server.engine.parking import Ticket
from headrace_server.engine.webhooks import Hooks, Webhooking, home_of_webhooks, message


class Relayed(msgspec.Struct, frozen=True):
    """What a look at the logs did."""

    done: int  # events that were looked at, and gaps that were told; 0: there is nothing more to do now
    is_needed: bool  # there are webhooks
    gaps: int = 0  # of the logs: events were gone before anybody looked at them


class _Call(msgspec.Struct):
    """One call of `relay`: what it is to write, and how far the log was read then."""

    to_rev: str
    missed: dict[str, int] = msgspec.field(default_factory=dict)
    deliveries: encode.Args = msgspec.field(default_factory=list)
    count: int = 0
    looked_at: int = 0  # events


class Relaying(Webhooking):
    """The calls that make deliveries."""

    async def relay(self) -> Relayed:
        """Make the deliveries of what has happened, a bounded part of them. Raises StoreFault."""
        hooks = await self.webhooks()
        if not hooks.views:
            return Relayed(0, is_needed=False)
        done, gaps = await self._tell_gaps(hooks), 0
        for number in range(self.shards):
            rev = hooks.revs.get(number)
            part = await self._read_part(
                number, None if rev is None else int(rev), limits.RELAY_EVENTS, keep_ms=limits.WEBHOOK_LOG_MS
            )
            looked_at = await self._relay_part(number, part, hooks, rev or "")
            done, gaps = done + looked_at, gaps + (looked_at > 0 and part.gap_rev is not None)
        return Relayed(done, is_needed=True, gaps=gaps)

    def listen_to_events(self) -> Ticket:
        """Return what is woken when something has happened; it stays for as long as the engine."""
        return self._listening.enter([])

    async def _tell_gaps(self, hooks: Hooks) -> int:
        """Tell webhooks that they were not told of something, where that is possible again; return how many were."""
        home = home_of_webhooks(self.shards)
        call = _Call(to_rev=hooks.revs.get(home, ""))
        for view in hooks.views:
            if view.missed and view.paused is None:
                body = message(Notice.GAP, hooks.now_ms, {"missed": view.missed})
                digest = message_digest(view.name, view.created_at_ms, "gap", hooks.now_ms)
                job_id = slot_id(hooks.now_ms, home, digest)
                _add(call, view, job_id, body, hooks.now_ms, missed=view.missed)
        return await self._relay(home, call.to_rev, call, hooks) if call.count else 0

    async def _relay_part(self, number: int, part: Part, hooks: Hooks, rev: str) -> int:
        """Write what is to be written about a part of a log; return how many events and gaps were looked at."""
        done = 0
        while True:
            call = self._plan(number, part, hooks, rev)
            if call.to_rev == rev or not await self._relay(number, rev, call, hooks):
                return done  # nothing has happened, or another server was faster
            done += call.looked_at + (part.gap_rev is not None)
            rev, part = call.to_rev, Part(part.events[call.looked_at :], None, part.last_rev, part.now_ms)

    def _plan(self, number: int, part: Part, hooks: Hooks, rev: str) -> _Call:
        """Return what is to be written about the first events of a part, those behind a rev."""
        call = _Call(rev)
        if part.gap_rev is not None:
            call.to_rev = str(part.gap_rev)
            call.missed = {view.name: 1 for view in hooks.views}  # one at least: nobody knows
        for event in part.events:
            told = [] if is_own(event.queue) else [view for view in hooks.views if view.wants(event)]
            if call.count + len(told) > limits.SCRIPT_JOBS:
                return call
            for view in told:
                if view.paused is None:
                    self._deliver(call, view, number, event)
                else:
                    call.missed[view.name] = call.missed.get(view.name, 0) + 1
            call.to_rev = str(event.rev)
            call.looked_at += 1
        call.to_rev = str(part.last_rev)
        return call

    def _deliver(self, call: _Call, view: WebhookView, number: int, event: Event) -> None:
        digest = message_digest(view.name, view.created_at_ms, number, event.rev, event.job_id)
        job_id = slot_id(event.at_ms, home_of_webhooks(self.shards), digest)
        _add(call, view, job_id, _told(event), event.at_ms)

    async def _relay(self, number: int, from_rev: str, call: _Call, hooks: Hooks) -> int:
        """Write; return 0 if another server was faster, or if there was nothing to do but what was refused."""
        missed = [part for name, count in call.missed.items() for part in (name, count)]
        args: encode.Args = [hooks.version, number, from_rev, call.to_rev, len(call.missed), *missed, call.count]
        _, (outcome, made) = await self._home_of(QUEUE_PREFIX).ask("relay", args + call.deliveries)
        if outcome == b"moved":
            return 0
        return int(made) if call.to_rev == from_rev else 1


def _add(call: _Call, view: WebhookView, job_id: bytes, body: bytes, at_ms: int, *, missed: int | None = None) -> None:
    gives_up_ms = at_ms + limits.WEBHOOK_AGE_MS
    call.deliveries += [view.name, "" if missed is None else missed, job_id, view.queue, gives_up_ms, body]
    call.count += 1


def _told(event: Event) -> bytes:
    """Return the message about an event, with the fields that GET /v1/events gives it."""
    said = {
        "job_id": format_id(event.job_id),
        "queue": event.queue,
        "task": event.task,
        "state": "gone" if event.state is None else event.state.value,
        "was": None if event.was is None else event.was.value,
        "attempt": event.attempt,
        "worker": event.worker,
        "reason": event.reason,
        "rev": event.rev,
    }
    return message(type_of(event), event.at_ms, {name: value for name, value in said.items() if value is not None})
