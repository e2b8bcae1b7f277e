"""One store, its connections and one call; it must not know what the scripts do.

Every call is sent once. The driver's own retries are off: a script that was sent may have been executed, and only the
caller knows whether it can be repeated.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Final

import msgspec
from redis import exceptions
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from headrace_server.domain.errors import Code, NotDone, StoreFault, Unknown
from headrace_server.engine import faults
from headrace_server.engine.scripts import FUNCTION_PREFIX, Script
from headrace_server.engine.wire import Wire
from headrace_server.telemetry.meters import Meters

MAX_LIBRARIES: Final = 128  # of all versions and settings together, some 30 KB each: three or four versions
_NO_DATA: Final = (
    "the store at this address holds no data of this Headrace: it was emptied, or it is another one; "
    "bring the data back, or restart the servers to begin anew"
)


class Waits(msgspec.Struct, frozen=True):
    """What a write must wait for after its script, as found by the start-up checks of the store."""

    aof: bool = False  # WAITAOF 1 0: fsynced by the store itself
    replicas: int = 0  # WAIT n: on n replicas
    timeout_ms: int = 1_000


class Link:
    """Connections to one store; `call` runs one script on one shard.

    Scripts of a shard go over one connection, in the order of the calls. Where a write must wait for replicas or the
    disk by a command, that would hold up whatever comes behind it: there each call in flight has its own connection.
    """

    def __init__(self, url: str, *, waits: Waits, timeout_ms: int, connect_timeout_ms: int, meters: Meters) -> None:
        self.meters = meters
        self._waits = waits
        self.keeps_order = not (waits.aof or waits.replicas)  # scripts are run in the order in which they were called
        # what the script itself may take, and what its write may wait for replicas and disks
        self._timeout_s = (timeout_ms + (0 if self.keeps_order else waits.timeout_ms)) / 1000
        # The pool only knows how to make a connection from a URL: what it hands out can have one call in flight.
        self._pool = ConnectionPool.from_url(
            url,
            socket_timeout=None,  # one deadline for the whole exchange: that of the wire
            socket_connect_timeout=connect_timeout_ms / 1000,
            retry=Retry(NoBackoff(), 0),
            redis_connect_func=_greet,
            protocol=2,
        )
        self._shared: dict[bytes, asyncio.Task[Wire]] = {}  # by shard: open, or being opened
        self._idle: list[Wire] = []  # last in, first out; calls in flight are bounded by the batchers
        self._closed = False

    async def close(self) -> None:
        """Close the connections that are idle now, and the others when their call ends."""
        self._closed = True
        opened = await asyncio.gather(*self._shared.values(), return_exceptions=True)
        wires = [*self._idle, *(wire for wire in opened if isinstance(wire, Wire))]
        self._idle, self._shared = [], {}
        await asyncio.gather(*(wire.close() for wire in wires))

    async def call(self, script: Script, meta_key: bytes, args: Sequence[bytes | str | int]) -> list[Any]:
        """Run a script whose KEYS[1] is `meta_key` and return its answer.

        A writing script gets the store's run id in front of `args`. Raises NotDone or Unknown.
        """
        begun, failed = time.perf_counter(), True
        try:
            if self.keeps_order and not self._closed:
                answer = await self._exchange(await self._wire_to(meta_key), script, meta_key, args)
            else:
                async with self._own_wire() as wire:
                    answer = await self._exchange(wire, script, meta_key, args)
            failed = False
        finally:
            self.meters.called(script.verb, time.perf_counter() - begun, failed=failed)
        return answer

    async def prepare(self, scripts: Iterable[Script], ordered: Iterable[Script]) -> None:
        """Load those whose calls must not overtake each other, and delete what other versions and settings left behind.

        All others are loaded by their first call, which those behind it overtake. Libraries are deleted once there are
        many; who needs one loads it again.
        """
        ours = {script.function for script in scripts}
        with contextlib.suppress(StoreFault):
            [listed] = await self._send(("FUNCTION", "LIST", "LIBRARYNAME", FUNCTION_PREFIX + "*"))
            found = [] if isinstance(listed, Exception) else [library[1].decode() for library in listed]
            commands = [_load(script) for script in ordered if script.function not in found]
            if len(found) > MAX_LIBRARIES:
                commands += [("FUNCTION", "DELETE", name) for name in found if name not in ours]
            if commands:
                await self._send(*commands)

    async def vitals(self) -> tuple[dict[str, str], str | None, float]:
        """Return what INFO says, the fsync policy (None: it is not told), and how many seconds a PING took.

        Raises NotDone or Unknown.
        """
        begun = time.perf_counter()
        await self._send(("PING",))
        latency_s = time.perf_counter() - begun
        info, config = await self._send(("INFO",), ("CONFIG", "GET", "appendfsync"))
        if isinstance(info, Exception):
            raise faults.error_reply(info) from info
        pairs = (line.partition(":") for line in info.decode().splitlines())
        told = None if isinstance(config, Exception) or not config else config[1].decode()
        return {name: value for name, _, value in pairs}, told, latency_s

    async def scan(self, *command: str | bytes | int) -> tuple[bytes, list[bytes]]:
        """Run SCAN or one of its kind; return the next position and the members. Raises NotDone or Unknown."""
        [answer] = await self._send(command)
        if isinstance(answer, Exception):
            raise faults.error_reply(answer) from answer
        return answer[0], answer[1]

    async def _send(self, *commands: tuple[Any, ...]) -> list[Any]:
        async with self._own_wire() as wire:
            return await wire.send(commands)

    async def _wire_to(self, shard: bytes) -> Wire:
        """Return the connection of a shard, for everybody who asks meanwhile the same. Raises NotDone."""
        opening = self._shared.get(shard)
        if opening is None or (opening.done() and not _is_open(opening)):
            opening = self._shared[shard] = asyncio.get_running_loop().create_task(self._open())
        try:
            return opening.result() if opening.done() else await asyncio.shield(opening)
        except NotDone as error:  # everybody raises his own
            raise NotDone(error.code, error.detail) from error.__cause__

    @contextlib.asynccontextmanager
    async def _own_wire(self) -> AsyncIterator[Wire]:
        """Lend a connection that nobody else uses; one on which something may be in flight is not used again."""
        while self._idle and not self._idle[-1].is_open:
            self._idle.pop()
        wire = self._idle.pop() if self._idle else await self._open()
        try:
            yield wire
        except StoreFault:
            await self._put_back(wire)
            raise
        except BaseException:
            wire.give_up()
            raise
        await self._put_back(wire)

    async def _open(self) -> Wire:
        connection = self._new_connection()
        try:
            async with asyncio.timeout(self._timeout_s):
                await connection.connect()  # type: ignore[no-untyped-call]
        except (exceptions.RedisError, OSError) as error:
            await connection.disconnect(nowait=True)
            raise faults.not_connected(error) from error
        return Wire(connection, self._timeout_s)

    def _new_connection(self) -> AbstractConnection:
        """Return a connection that is not open yet. The driver reads its own version from a file for each one."""
        try:
            connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        except OSError as error:  # no file can be opened any more
            raise faults.not_connected(error) from error
        return connection

    async def _put_back(self, wire: Wire) -> None:
        if self._closed:
            await wire.close()
        elif wire.is_open:
            self._idle.append(wire)

    async def _exchange(
        self, wire: Wire, script: Script, meta_key: bytes, args: Sequence[bytes | str | int]
    ) -> list[Any]:
        tail = [1, meta_key, wire.run_id, *args] if script.writes else [1, meta_key, *args]
        waits = self._wait_commands() if script.writes else []
        answers = await wire.send([("FCALL", script.function, *tail), *waits])
        if _is_unknown_function(answers[0]):  # refused before it started
            answers = await _teach(wire, script, tail, waits)
        answer = answers[0]
        if isinstance(answer, Exception):
            raise faults.error_reply(answer) from answer
        if answer[0] == b"wrong_node":
            raise NotDone(Code.WRONG_NODE, _NO_DATA)
        _check_waits(waits, answers[1:])
        return answer  # type: ignore[no-any-return]

    def _wait_commands(self) -> list[tuple[Any, ...]]:
        commands: list[tuple[Any, ...]] = []
        if self._waits.aof:
            commands.append(("WAITAOF", 1, self._waits.replicas, self._waits.timeout_ms))
        elif self._waits.replicas:
            commands.append(("WAIT", self._waits.replicas, self._waits.timeout_ms))
        return commands


def _is_open(opening: "asyncio.Task[Wire]") -> bool:
    return opening.exception() is None and opening.result().is_open


def _load(script: Script) -> tuple[Any, ...]:
    return ("FUNCTION", "LOAD", "REPLACE", script.library)


async def _teach(wire: Wire, script: Script, tail: list[Any], waits: list[tuple[Any, ...]]) -> list[Any]:
    """Load a function that the store does not know, and call it; evaluate it as a script where that is refused.

    A store that is full, or whose rules forbid FUNCTION, runs scripts still: what makes room must not depend on it.
    Function and call go together, so that calls which come from here one after the other stay in that order.
    """
    _, *answers = await wire.send([_load(script), ("FCALL", script.function, *tail), *waits])
    if _is_unknown_function(answers[0]):
        answers = await wire.send([("EVALSHA", script.sha, *tail), *waits])
    if isinstance(answers[0], Exception) and str(answers[0]).startswith("NOSCRIPT"):
        answers = await wire.send([("EVAL", script.source, *tail), *waits])
    return answers


def _is_unknown_function(answer: Any) -> bool:
    return isinstance(answer, Exception) and str(answer) == "ERR Function not found"


async def _greet(connection: AbstractConnection) -> None:
    """Do the usual hello and note which process of the store this connection leads to."""
    await connection.on_connect()
    await connection.send_command("INFO", "server", check_health=False)
    info = await connection.read_response(disable_decoding=True)
    for line in info.splitlines():
        if line.startswith(b"run_id:"):
            connection.headrace_run_id = line.removeprefix(b"run_id:")  # type: ignore[attr-defined]
            return
    raise exceptions.ConnectionError("the store did not tell its run id")


def _check_waits(commands: list[tuple[Any, ...]], answers: list[Any]) -> None:
    for command, answer in zip(commands, answers, strict=True):
        if isinstance(answer, Exception):
            raise Unknown(Code.NOT_REPLICATED, f"written, but {command[0]} failed: {answer}") from answer
        reached = answer if isinstance(answer, list) else [answer]
        wanted = command[1:-1]
        if any(have < want for have, want in zip(reached, wanted, strict=True)):
            raise Unknown(Code.NOT_REPLICATED, f"written, but {command[0]} was answered {reached} instead of {wanted}")
