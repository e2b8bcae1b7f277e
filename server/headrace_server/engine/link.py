"""One store, its connections and one call; it must not know what the scripts do.

Every call is sent once. The driver's own retries are off: a script that was sent may have been executed, and only the
caller knows whether it can be repeated.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

import hiredis
import msgspec
from redis import exceptions
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from headrace_server.domain.errors import Code, NotDone, StoreFault, Unknown
from headrace_server.engine import faults
from headrace_server.engine.scripts import FUNCTION_PREFIX, Script
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
    """Connections to one store; `call` runs one script on one shard."""

    def __init__(self, url: str, *, waits: Waits, timeout_ms: int, connect_timeout_ms: int, meters: Meters) -> None:
        self.meters = meters
        self._waits = waits
        # what the script itself may take, and what its write may wait for replicas and disks
        self._timeout_s = (timeout_ms + (waits.timeout_ms if waits.aof or waits.replicas else 0)) / 1000
        # The pool only knows how to make a connection from a URL: handing them out costs more there than a whole call.
        self._pool = ConnectionPool.from_url(
            url,
            socket_timeout=None,  # one deadline for the whole exchange, below
            socket_connect_timeout=connect_timeout_ms / 1000,
            retry=Retry(NoBackoff(), 0),
            redis_connect_func=_greet,
            protocol=2,
        )
        self._idle: list[AbstractConnection] = []  # last in, first out; calls in flight are bounded by the batchers
        self._closed = False

    async def close(self) -> None:
        """Close the connections that are idle now, and the others when their call ends."""
        self._closed = True
        while self._idle:
            await self._idle.pop().disconnect()

    async def call(self, script: Script, meta_key: bytes, args: Sequence[bytes | str | int]) -> list[Any]:
        """Run a script whose KEYS[1] is `meta_key` and return its answer.

        A writing script gets the store's run id in front of `args`. Raises NotDone or Unknown. The connection of a
        call that did not end well is closed, so that nobody else reads its answer.
        """
        begun, failed = time.perf_counter(), True
        try:
            answer = await self._use(lambda connection: self._exchange(connection, script, meta_key, args))
            failed = False
        finally:
            self.meters.called(script.verb, time.perf_counter() - begun, failed=failed)
        return answer

    async def sweep_functions(self, scripts: Iterable[Script]) -> None:
        """Delete the libraries of other versions and settings once there are many; who needs one loads it again."""
        ours = {script.function for script in scripts}
        with contextlib.suppress(StoreFault):
            [listed] = await self._send(("FUNCTION", "LIST", "LIBRARYNAME", FUNCTION_PREFIX + "*"))
            found = [] if isinstance(listed, Exception) else [library[1].decode() for library in listed]
            stale = [name for name in found if name not in ours] if len(found) > MAX_LIBRARIES else []
            if stale:
                await self._send(*(("FUNCTION", "DELETE", name) for name in stale))

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
        return await self._use(lambda connection: _pipeline(connection, commands))

    async def _use(self, exchange: Callable[[AbstractConnection], Awaitable[list[Any]]]) -> list[Any]:
        connection = await self._connect()
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await exchange(connection)
        except faults.REPLIES as error:
            await self._put_back(connection)  # an answer like any other: the connection is in step
            raise faults.error_reply(error) from error
        except (exceptions.RedisError, OSError) as error:
            await connection.disconnect(nowait=True)
            raise faults.no_answer(error) from error
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        await self._put_back(connection)
        return answer

    async def _connect(self) -> AbstractConnection:
        while self._idle:
            idle = self._idle.pop()
            with contextlib.suppress(exceptions.RedisError, OSError):
                # anything to read on an idle connection means that the store closed it
                if idle.is_connected and not await idle.can_read():
                    return idle
            await idle.disconnect(nowait=True)
        connection = self._new_connection()
        try:
            async with asyncio.timeout(self._timeout_s):
                await connection.connect()  # type: ignore[no-untyped-call]
        except (exceptions.RedisError, OSError) as error:
            await connection.disconnect(nowait=True)
            raise faults.not_connected(error) from error
        return connection

    def _new_connection(self) -> AbstractConnection:
        """Return a connection that is not open yet. The driver reads its own version from a file for each one."""
        try:
            connection: AbstractConnection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        except OSError as error:  # no file can be opened any more
            raise faults.not_connected(error) from error
        return connection

    async def _put_back(self, connection: AbstractConnection) -> None:
        if self._closed:
            await connection.disconnect()
        else:
            self._idle.append(connection)

    async def _exchange(
        self, connection: AbstractConnection, script: Script, meta_key: bytes, args: Sequence[bytes | str | int]
    ) -> list[Any]:
        tail: list[Any] = [1, meta_key, *args]
        if script.writes:
            tail.insert(2, connection.headrace_run_id)  # type: ignore[attr-defined]
        waits = self._wait_commands() if script.writes else []
        answers = await _pipeline(connection, [("FCALL", script.function, *tail), *waits])
        if _is_unknown_function(answers[0]):  # refused before it started
            answers = await self._teach(connection, script, tail, waits)
        if isinstance(answers[0], Exception):
            raise answers[0]
        if answers[0][0] == b"wrong_node":
            raise NotDone(Code.WRONG_NODE, _NO_DATA)
        _check_waits(waits, answers[1:])
        return list(answers[0])

    async def _teach(
        self, connection: AbstractConnection, script: Script, tail: list[Any], waits: list[tuple[Any, ...]]
    ) -> list[Any]:
        """Load a function that the store does not know, and call it; evaluate it as a script where that is refused.

        A store that is full, or whose rules forbid FUNCTION, runs scripts still: what makes room must not depend on it.
        """
        [loaded] = await _pipeline(connection, [("FUNCTION", "LOAD", "REPLACE", script.library)])
        if not isinstance(loaded, Exception):
            answers = await _pipeline(connection, [("FCALL", script.function, *tail), *waits])
            if not _is_unknown_function(answers[0]):  # another server may be sweeping at this moment
                return answers
        answers = await _pipeline(connection, [("EVALSHA", script.sha, *tail), *waits])
        if isinstance(answers[0], exceptions.NoScriptError):
            answers = await _pipeline(connection, [("EVAL", script.source, *tail), *waits])
        return answers

    def _wait_commands(self) -> list[tuple[Any, ...]]:
        commands: list[tuple[Any, ...]] = []
        if self._waits.aof:
            commands.append(("WAITAOF", 1, self._waits.replicas, self._waits.timeout_ms))
        elif self._waits.replicas:
            commands.append(("WAIT", self._waits.replicas, self._waits.timeout_ms))
        return commands


def _is_unknown_function(answer: Any) -> bool:
    return isinstance(answer, exceptions.ResponseError) and str(answer).removeprefix("ERR ") == "Function not found"


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


async def _pipeline(connection: AbstractConnection, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Send commands together and return their answers; an error reply is an answer, so the connection stays in step."""
    # packed in C: with hundreds of arguments the driver's own packing costs more than everything else in a call
    await connection.send_packed_command([hiredis.pack_command(command) for command in commands], check_health=False)
    return [await _read(connection) for _ in commands]


async def _read(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response(disable_decoding=True, disconnect_on_error=False)
    except faults.REPLIES as error:
        return error


def _check_waits(commands: list[tuple[Any, ...]], answers: list[Any]) -> None:
    for command, answer in zip(commands, answers, strict=True):
        if isinstance(answer, Exception):
            raise Unknown(Code.NOT_REPLICATED, f"written, but {command[0]} failed: {answer}") from answer
        reached = answer if isinstance(answer, list) else [answer]
        wanted = command[1:-1]
        if any(have < want for have, want in zip(reached, wanted, strict=True)):
            raise Unknown(Code.NOT_REPLICATED, f"written, but {command[0]} was answered {reached} instead of {wanted}")
