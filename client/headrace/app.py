"""An application's tasks and its way to the server: the front door for Python code."""

import asyncio
import inspect
import re
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any, Final, Literal, ParamSpec, Protocol, TypeVar, Unpack, overload
from weakref import WeakKeyDictionary

from headrace._codec import Format
from headrace._retry import Patience
from headrace.aio import AsyncClient
from headrace.calls import payload_of
from headrace.client import Client
from headrace.models import Unique
from headrace.results import AsyncJobHandle, JobHandle
from headrace.tasks import AsyncTask, BaseTask, CallOptions, Seconds, Task, TaskOptions, job_options
from headrace.words import Backoff

P = ParamSpec("P")
R = TypeVar("R")

_NAME: Final = re.compile(r"[A-Za-z0-9_.\-]{1,128}")


class Decorator(Protocol):
    """What `@app.task(...)` returns: it turns a function into a task of the same parameters."""

    @overload
    def __call__(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncTask[P, R]: ...  # type: ignore[overload-overlap]
    @overload
    def __call__(self, fn: Callable[P, R], /) -> Task[P, R]: ...


class App:
    """Tasks by name, and the clients that carry their calls to the server.

    `url`: HEADRACE_URL, else http://127.0.0.1:8080. `token`: HEADRACE_TOKEN, else none. Nothing connects before the
    first call; one app serves all threads and event loops of a process.

        app = App()

        @app.task(max_retries=5)
        def add(x: int, y: int) -> int:
            return x + y

        add.delay(2, 3).get(timeout=10)  # 5, from a worker: `headrace worker module:app`
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        format: Format = "json",
        retry: Patience | None = None,
        timeout: float = 10.0,
    ) -> None:
        self._settings: dict[str, Any] = {
            "url": url,
            "token": token,
            "format": format,
            "retry": retry,
            "timeout": timeout,
        }
        self._lock = Lock()
        self._client: Client | None = None
        self._async_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncClient] = WeakKeyDictionary()
        self._tasks: dict[str, BaseTask[Any, Any]] = {}

    @property
    def tasks(self) -> Mapping[str, BaseTask[Any, Any]]:
        """The tasks by name: what a worker can run."""
        return MappingProxyType(self._tasks)

    @property
    def client(self) -> Client:
        """The blocking client, made at first use."""
        with self._lock:
            if self._client is None:
                self._client = Client(**self._settings)
            return self._client

    @property
    def async_client(self) -> AsyncClient:
        """The awaiting client of the running event loop, made at first use; `aclose` closes it."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._async_clients:
                self._async_clients[loop] = AsyncClient(**self._settings)
            return self._async_clients[loop]

    # A coroutine function is also a function: the overlap is meant, the first match counts.
    @overload
    def task(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncTask[P, R]: ...  # type: ignore[overload-overlap]
    @overload
    def task(self, fn: Callable[P, R], /) -> Task[P, R]: ...
    @overload
    def task(
        self,
        *,
        name: str | None = None,
        queue: str | None = None,
        priority: int | None = None,
        max_retries: int | None = None,
        retry_backoff: Backoff | str | None = None,
        retry_delay: Seconds | None = None,
        retry_max_delay: Seconds | None = None,
        retry_jitter: bool | None = None,
        retry_for: Seconds | None = None,
        non_retryable: Sequence[type[BaseException] | str] | None = None,
        on_exhausted: Literal["dead", "discard"] | None = None,
        expires: Seconds | None = None,
        max_runtime: Seconds | None = None,
        result_ttl: Seconds | None = None,
        tags: Mapping[str, str] | None = None,
        limits: Sequence[str] | None = None,
        fairness_key: str | None = None,
        weight: int | None = None,
        ordering_key: str | None = None,
        on_dead: Literal["next", "hold"] | None = None,
        unique: Unique | str | bool | None = None,
        lease: Seconds | None = None,
        retention: Seconds | None = None,
        max_crashes: int | None = None,
    ) -> Decorator: ...
    def task(self, fn: Callable[..., Any] | None = None, **options: Any) -> Any:
        """Register a function as a task, as `@app.task` or `@app.task(name=..., queue=...)`.

        `name` is what the jobs carry, by default module.function; the other options are described at `TaskOptions`.
        Raises ValueError for a name that is taken or has other characters than letters, digits, `_`, `.` and `-`.
        """
        name = options.pop("name", None)
        if fn is not None:
            return self._register(fn, name, TaskOptions(**options))
        return lambda fn: self._register(fn, name, TaskOptions(**options))

    def send_task(
        self,
        name: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **call: Unpack[CallOptions],
    ) -> JobHandle[Any]:
        """Send a call to a task known by name only, and return a handle on its result.

        Raises TypeError for positional and named arguments at once, unless the task is registered here.
        """
        known = self._tasks.get(name)
        if known is not None:
            return known.apply_async(args, kwargs, **call)
        return self.submit(name, payload_of(args, kwargs or {}), TaskOptions(), call)

    async def asend_task(
        self,
        name: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **call: Unpack[CallOptions],
    ) -> AsyncJobHandle[Any]:
        """Send a call away as `send_task` does, awaiting."""
        known = self._tasks.get(name)
        if known is not None:
            return await known.aapply_async(args, kwargs, **call)
        return await self.asubmit(name, payload_of(args, kwargs or {}), TaskOptions(), call)

    def submit(self, name: str, payload: Any, options: TaskOptions, call: CallOptions) -> JobHandle[Any]:
        """Enqueue a job with a payload that is ready to travel, and return a handle on it."""
        client = self.client
        job = client.enqueue(name, payload, **job_options(options, call))
        return client.handle(job.id)

    async def asubmit(self, name: str, payload: Any, options: TaskOptions, call: CallOptions) -> AsyncJobHandle[Any]:
        """Enqueue a job as `submit` does, awaiting."""
        client = self.async_client
        job = await client.enqueue(name, payload, **job_options(options, call))
        return client.handle(job.id)

    def handle(self, job_id: str) -> JobHandle[Any]:
        """Return a handle on a job that was sent elsewhere."""
        return self.client.handle(job_id)

    def close(self) -> None:
        """Close the blocking client's connections; the next call opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop's client."""
        with self._lock:
            client = self._async_clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    def __repr__(self) -> str:
        return f"App({len(self._tasks)} tasks)"

    def _register(self, fn: Callable[..., Any], name: str | None, options: TaskOptions) -> BaseTask[Any, Any]:
        kind = AsyncTask if inspect.iscoroutinefunction(fn) else Task
        task: BaseTask[Any, Any] = kind(self, fn, name or default_name(fn), options)
        if not _NAME.fullmatch(task.name):
            raise ValueError(f"task name {task.name!r}: 1 to 128 letters, digits, '_', '.' and '-', please give name=")
        if task.name in self._tasks:
            raise ValueError(f"there is a task {task.name!r} already; give one of them another name=")
        self._tasks[task.name] = task
        return task


def default_name(fn: Callable[..., Any]) -> str:
    """Return module.function; for a script that runs as __main__ the name under which a worker imports it."""
    module = fn.__module__
    if module == "__main__":
        script = getattr(sys.modules["__main__"], "__file__", None)
        module = Path(script).stem if script else module
    return f"{module}.{fn.__name__}"
