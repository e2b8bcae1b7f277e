"""Builds a server from its settings: the only place where the parts meet, and where every connection is made."""

import asyncio
import logging
import os
import re
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Final, TypeVar

from headrace_server.api import Application, Door, Limits, Server, Services, Status, make_server
from headrace_server.api.documents import routes as document_routes
from headrace_server.api.routes import ROUTES
from headrace_server.config import Settings
from headrace_server.domain.addresses import networks
from headrace_server.domain.errors import StoreFault
from headrace_server.engine import VERBS, Engine, Waits
from headrace_server.loops import Deliveries, run_loops
from headrace_server.loops.runner import LOOPS, every, run_loop, run_together
from headrace_server.store import DiskGuard, EmbeddedStore, StoreFacts, StoreRefused, StoreUnreachable, inspect_store
from headrace_server.telemetry.meters import Layout, Meters
from headrace_server.webhooks import Courier

GATE_S: Final = 30.0  # how often the store is checked again: somebody may have changed its configuration
START_S: Final = 10.0  # how long a start bears with an embedded store that is away: it may just be started again
RETRY_S: Final = 0.1
DISK_S: Final = 1.0  # how often the free space is looked at: a fast disk fills 1 GiB in no less

_log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Store:
    """The store a server runs on."""

    url: str
    facts: StoreFacts
    embedded: EmbeddedStore | None
    watch: asyncio.Task[None] | None = None  # the supervision of the embedded one


async def serve(
    settings: Settings,
    bound: socket.socket,
    *,
    ready: Callable[[], None],
    before_drain: Callable[[], Awaitable[None]] | None = None,
    row: int = 0,
    numbers: int = -1,
) -> None:
    """Run one server process on a bound socket until a signal; `ready` is called when it listens.

    Of several processes on the socket each has a `row` in the open file `numbers`, for the metrics of all of them.
    The first signal awaits `before_drain`, then drains; the second cuts running requests. Raises StoreRefused and
    StoreMismatch when the store cannot be used, StoreFault when it goes away meanwhile; the fault of a background duty
    ends the server, too.
    """
    stopping = Stopping(before_drain)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings))
        engine = await stack.enter_async_context(open_engine(settings, store, make_meters(settings, row, numbers)))
        status = _status(settings, store)
        _report(settings, store)
        server = build(settings, engine, status, ready)
        duties = await stack.enter_async_context(_background(settings, store, engine, status))
        duties.add_done_callback(lambda _: server.stop())
        stopping.stop = server.stop
        await server.serve(sockets=[bound])
        if duties.done() and not duties.cancelled():
            raise duties.exception() or RuntimeError("a duty came to an end")


def build(settings: Settings, engine: Engine, status: Status, ready: Callable[[], None]) -> Server:
    """Return the HTTP server over an engine that was started."""

    def drain() -> None:
        status.draining = True
        engine.drain()

    limits = Limits(
        max_header_bytes=settings.max_header_bytes,
        max_body_bytes=settings.max_body_bytes,
        max_payload_bytes=settings.max_payload_bytes,
    )
    door = Door(
        tokens=settings.tokens,
        allowed_origins=settings.allowed_origins,
        host=settings.host,
        any_host=bool(settings.tokens) or not settings.is_loopback,
    )
    services = Services(
        engine=engine, status=status, limits=limits, webhook_networks=networks(settings.webhook_networks)
    )
    return make_server(
        Application(services, door, [*ROUTES, *document_routes]),
        drain=drain,
        ready=ready,
        grace_ms=settings.grace_ms,
        max_header_bytes=settings.max_header_bytes,
        receive_timeout_ms=settings.receive_timeout_ms,
    )


def make_meters(settings: Settings, row: int, numbers: int) -> Meters:
    """Return what a process counts itself in."""
    routes = [*ROUTES, *document_routes]
    asked = ((route.path, method) for route in routes for method in route.methods or ())
    return Meters(Layout(asked, VERBS, LOOPS), rows=settings.processes, row=row, file=numbers)


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """Start, adopt or join the embedded store and watch it, or take the external one; check it; leave it at the end."""
    if settings.redis_url is not None:
        yield Store(settings.redis_url, await _inspect(settings, settings.redis_url), None)
        return
    folder, mode = settings.store_dir(), settings.durability
    embedded = EmbeddedStore(folder, log=_log.info, warn=_log.warning, durability=mode, malloc=settings.store_malloc)
    url = await embedded.start()
    watch = asyncio.create_task(embedded.run())  # from now on: the store may die while the server is still starting
    try:
        facts = await _patiently(lambda: _inspect(settings, url), START_S)
        yield Store(url, facts, embedded, watch)
    finally:
        watch.cancel()
        await asyncio.wait((watch,))
        await embedded.stop()


async def _patiently(step: Callable[[], Awaitable[T]], patience_s: float) -> T:
    """Return what `step` returns, trying again for a while when the store is away."""
    end = asyncio.get_running_loop().time() + patience_s
    while True:
        try:
            return await step()
        except (StoreUnreachable, StoreFault):
            if asyncio.get_running_loop().time() >= end:
                raise
        await asyncio.sleep(RETRY_S)


def _inspect(settings: Settings, url: str) -> Awaitable[StoreFacts]:
    return inspect_store(
        url,
        durability=settings.durability,
        assume=settings.assume_durability,
        replicas=settings.replicas,
        tune=settings.tune_store,
        timeout_ms=settings.store_timeout_ms,
    )


@asynccontextmanager
async def open_engine(settings: Settings, store: Store, meters: Meters | None = None) -> AsyncIterator[Engine]:
    """Return the engine on a store, started; close it at the end."""
    engine = Engine(
        store.url,
        shards=settings.shards,
        namespace=settings.namespace,
        defaults=settings.defaults(),
        waits=Waits(aof=bool(store.facts.wait_aof), replicas=store.facts.wait_replicas),
        timeout_ms=settings.store_timeout_ms,
        connect_timeout_ms=settings.store_connect_timeout_ms,
        test_clock=settings.test_clock,
        meters=meters,
    )
    try:
        await _patiently(engine.start, START_S if store.embedded is not None else 0.0)
        yield engine
    finally:
        await engine.close()


@asynccontextmanager
async def _background(
    settings: Settings, store: Store, engine: Engine, status: Status
) -> AsyncIterator[asyncio.Task[None]]:
    """Run what goes on beside the requests; the task that this gives is done only when one of these failed."""
    courier = Courier(networks(settings.webhook_networks))
    loops = run_loops(
        engine,
        check_interval_ms=settings.check_interval_ms,
        events=settings.events,
        deliveries=Deliveries(engine, courier.send, worker=_name_of_process(), agent=f"headrace/{version('headrace')}"),
    )
    meters = engine.meters
    duties = [loops, run_loop("gate", partial(_check_gate, settings, store, status), every(GATE_S), meters=meters)]
    if store.watch is not None:
        look = partial(_look_at_disk, DiskGuard(settings.store_dir()), status)
        duties += [_until_done(store.watch), run_loop("disk", look, every(DISK_S), meters=meters)]
    running = asyncio.create_task(run_together(duties))
    try:
        yield running
    finally:
        running.cancel()
        await asyncio.wait((running,))
        await courier.close()


def _name_of_process() -> str:
    """Return who this process is, where jobs say who holds them: `webhooks@<host>.<pid>`."""
    host = re.sub(r"[^A-Za-z0-9.-]", "", socket.gethostname())
    return f"webhooks@{host[:64]}.{os.getpid()}"


async def _until_done(watch: asyncio.Task[None]) -> None:
    await asyncio.shield(watch)  # it outlives the duties: the store is left last


async def _check_gate(settings: Settings, store: Store, status: Status) -> int:
    """Check the store again; what makes it unfit turns /readyz red until it is mended."""
    refusal = ""
    try:
        await _inspect(settings, store.url)
    except StoreUnreachable:
        return 0  # it may be back in a moment, and every request tells by itself
    except StoreRefused as refused:
        refusal = refused.message
    if refusal != status.refusal:
        status.refusal = refusal
        _log.warning("the store is %s", f"unfit: {refusal}" if refusal else "fit again")
    return 0


async def _look_at_disk(guard: DiskGuard, status: Status) -> int:
    try:
        state = await asyncio.to_thread(guard.look)
    except OSError:
        return 0  # too many open files, or no folder any more: the watch of the store says so
    if state.low != status.disk_low:
        status.disk_low = state.low
        facts = {"free_bytes": state.free_bytes, "needed_bytes": state.needed_bytes}
        _log.warning("enqueues are %s", "refused: the disk is nearly full" if state.low else "taken again", extra=facts)
    return 0


def _report(settings: Settings, store: Store) -> None:
    """Log what this server promises on which store, and what its operator should know."""
    facts = store.facts
    _log.info("store checked", extra={"store": f"{facts.server} {facts.version}", "durability": facts.why})
    for warning in facts.warnings:
        _log.warning("%s", warning)
    if settings.test_clock:
        _log.warning("TEST CLOCK: anybody may set the time of this server and its store forward; for tests only")
    if settings.insecure_public and not settings.is_loopback and not settings.tokens:
        _log.warning("listening on %s without tokens: anybody who can reach it may do everything", settings.host)


def _status(settings: Settings, store: Store) -> Status:
    return Status(
        version=version("headrace"),
        durability=settings.durability.value,
        shards=settings.shards,
        store_name=store.facts.server,
        store_version=store.facts.version,
        embedded=store.embedded is not None,
    )


class Stopping:
    """What SIGTERM, SIGINT and SIGHUP do: before anything can be stopped they cancel the start, then they call `stop`.

    `before` is awaited once, before the first `stop`; a second signal does not wait for it.
    """

    def __init__(self, before: Callable[[], Awaitable[None]] | None = None) -> None:
        self.stop: Callable[[], None] | None = None
        self._before = before
        self._main = asyncio.current_task()
        self._asked: asyncio.Task[None] | None = None
        numbers = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup leaves it
            numbers.append(signal.SIGHUP)
        for number in numbers:
            asyncio.get_running_loop().add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        if self.stop is None:
            if self._main is not None:
                self._main.cancel()
        elif self._asked is None:
            self._asked = asyncio.ensure_future(self._ask(self.stop))
        else:
            self.stop()
            self.stop()  # the second one cuts

    async def _ask(self, stop: Callable[[], None]) -> None:
        if self._before is not None:
            await self._before()
        stop()
