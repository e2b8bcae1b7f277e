"""Runs the background duties for ever; it must not know what a duty does.

No leader and no lock: every server runs all of them. A step is idempotent and bounded, so that two servers doing the
same one at the same time only cost a script.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any, Final

from headrace_server.domain.errors import StoreFault
from headrace_server.engine import Engine
from headrace_server.loops.beat import Beat
from headrace_server.loops.deliveries import Deliveries
from headrace_server.loops.janitor import Janitor
from headrace_server.loops.lag import Lag
from headrace_server.loops.log_of_events import LogOfEvents
from headrace_server.loops.relay import Relay
from headrace_server.loops.tick import Tick
from headrace_server.telemetry import note_loop
from headrace_server.telemetry.meters import Meters

FIRST_RETRY_S: Final = 0.05
MAX_RETRY_S: Final = 2.0  # a store that is back must be served within 5 s (G25)
LOOPS: Final = ("tick", "janitor", "lag", "beat", "events", "relay", "deliveries", "gate", "disk")  # for their metrics

_log = logging.getLogger(__name__)

Step = Callable[[], Awaitable[int]]  # one bounded batch of work; returns how much it did
Pause = Callable[[], Awaitable[None]]  # until there may be work again


async def run_loops(
    engine: Engine, *, check_interval_ms: int = 0, events: bool = False, deliveries: Deliveries | None = None
) -> None:
    """Run every duty on every shard until cancelled: ticks, beats, and what is asked for beside them.

    `check_interval_ms`: the pause between two rounds of the janitor, 0 for none; `events`: keep their log going;
    `deliveries`: those of webhooks, which need somebody who sends them.
    """
    run = partial(run_loop, meters=engine.meters)
    async with asyncio.TaskGroup() as group:
        for shard in range(engine.shards):
            tick = Tick(engine, shard)
            group.create_task(run("tick", tick.step, tick.pause))
            if check_interval_ms > 0:
                janitor = Janitor(engine, shard, check_interval_ms)
                group.create_task(run("janitor", janitor.step, janitor.pause))
        lag = Lag(engine.meters, engine.parked)
        group.create_task(run("lag", lag.step, lag.pause))
        beat = Beat(engine)
        group.create_task(run("beat", beat.step, beat.pause))
        if events:
            log = LogOfEvents(engine)
            group.create_task(run("events", log.step, log.pause))
        if deliveries is not None:
            relay = Relay(engine)
            group.create_task(run("relay", relay.step, relay.pause))
            group.create_task(_deliver(deliveries, engine.meters))


async def run_together(duties: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run duties until cancelled; when one of them fails, the others are cancelled."""
    async with asyncio.TaskGroup() as group:
        for duty in duties:
            group.create_task(duty)


def every(seconds: float) -> Pause:
    """Return a pause that always takes as long."""
    return partial(asyncio.sleep, seconds)


async def _deliver(deliveries: Deliveries, meters: Meters) -> None:
    try:
        await run_loop("deliveries", deliveries.step, deliveries.pause, meters=meters)
    finally:
        await deliveries.close()


async def run_loop(name: str, step: Step, pause: Pause, *, meters: Meters) -> None:
    """Step while there is work, pause when there is none, and wait longer and longer while the store fails."""
    retry_s = FIRST_RETRY_S
    while True:
        try:
            done = await step()
        except StoreFault as fault:
            meters.faulted(name)
            _log.warning("loop step failed", extra={"loop": name, "code": fault.code.value, "detail": fault.detail})
            await asyncio.sleep(retry_s * random.uniform(0.5, 1.0))
            retry_s = min(retry_s * 2, MAX_RETRY_S)
        except Exception as fault:
            note_loop(fault, name)  # it ends this process: nobody knows what it left behind
            raise
        else:
            if retry_s > FIRST_RETRY_S:
                _log.warning("loop works again", extra={"loop": name})
            retry_s = FIRST_RETRY_S
            if done == 0:
                await pause()
