"""An application's tasks and its way to the server: the front door for Python code."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from threading import Lock
from types import MappingProxyType
from typing import Any, Literal, ParamSpec, TypeVar, Unpack, overload
from weakref import WeakKeyDictionary

from headrace import _current
from headrace._codec import Format
from headrace._retry import Patience
from headrace.aio import AsyncClient
from headrace.client import Client
from headrace.conf import Conf
from headrace.decorators import BindingDecorator, Decorator
from headrace.discovery import Discovery, Packages, import_related
from headrace.eager import arun_eagerly, run_eagerly
from headrace.hooks import Event, H, Hooks, M
from headrace.models import NewJob
from headrace.naming import checked_name, default_name
from headrace.options import CallOptions, TaskKeywords, TaskOptions, task_options
from headrace.periodic import Periodic
from headrace.results import AsyncJobHandle, JobHandle
from headrace.sending import batches, enqueued, is_one, new_job
from headrace.serializers import Serializers
from headrace.shared import SHARED, Definition, make_task
from headrace.signatures import Signature
from headrace.tasks import AsyncTask, BaseTask, Task

P = ParamSpec("P")
R = TypeVar("R")


class App(Periodic):
    """Tasks by name, and the clients that carry their calls to the server.

    `url`: of the server, or of several that share a store; HEADRACE_URL, else http://127.0.0.1:8080. `token`:
    HEADRACE_TOKEN, else none. `name`: what tasks of a script are called after, by default its file. `include`: modules
    with tasks, which a worker imports. Nothing connects before the first call; one app serves all threads and event
    loops of a process. `conf`: its settings; `hooks`: what it wants to hear; `serializers`: how values travel.

        app = App()

        @app.task(max_retries=5)
        def add(x: int, y: int) -> int:
            return x + y

        add.delay(2, 3).get(timeout=10)  # 5, from a worker: `headrace worker module:app`
    """

    def __init__(
        self,
        url: str | Sequence[str] | None = None,
        *,
        name: str | None = None,
        token: str | None = None,
        format: Format = "json",
        retry: Patience | None = None,
        timeout: float = 10.0,
        include: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.name = name
        self.conf = Conf(url=url, token=token, include=include)
        self.hooks = Hooks()
        self.serializers = Serializers(lambda: self.conf.accept_content)
        self._settings: dict[str, Any] = {"format": format, "retry": retry, "timeout": timeout}
        self._lock = Lock()
        self._client: Client | None = None
        self._async_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncClient] = WeakKeyDictionary()
        self._tasks: dict[str, BaseTask[Any, Any]] = {}
        self._discovery = Discovery()
        self.set_current()

    @property
    def tasks(self) -> Mapping[str, BaseTask[Any, Any]]:
        """The tasks by name, shared ones included: what a worker can run, once `load_tasks` has imported them all."""
        for name in SHARED.keys() - self._tasks.keys():
            self._tasks[name] = make_task(SHARED[name], self)
        return MappingProxyType(self._tasks)

    @property
    def client(self) -> Client:
        """The blocking client, made at first use."""
        with self._lock:
            if self._client is None:
                self._client = Client(self.conf.url, token=self.conf.token, **self._settings)
            return self._client

    @property
    def async_client(self) -> AsyncClient:
        """The awaiting client of the running event loop, made at first use; `aclose` closes it."""
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._async_clients:
                self._async_clients[loop] = AsyncClient(self.conf.url, token=self.conf.token, **self._settings)
            return self._async_clients[loop]

    # A coroutine function is also a function: the overlap is meant, the first match counts.
    @overload
    def task(self, fn: Callable[P, Coroutine[Any, Any, R]], /) -> AsyncTask[P, R]: ...  # type: ignore[overload-overlap]
    @overload
    def task(self, fn: Callable[P, R], /) -> Task[P, R]: ...
    @overload
    def task(
        self, *, name: str | None = None, bind: Literal[True], **options: Unpack[TaskKeywords]
    ) -> BindingDecorator: ...
    @overload
    def task(
        self, *, name: str | None = None, bind: Literal[False] = False, **options: Unpack[TaskKeywords]
    ) -> Decorator: ...
    def task(
        self, fn: Callable[..., Any] | None = None, *, name: str | None = None, bind: bool = False, **options: Any
    ) -> Any:
        """Register a function as a task, as `@app.task` or `@app.task(name=..., queue=...)`.

        `name` is what the jobs carry, by default module.function; `bind=True` gives the function the task itself as its
        first argument (`BoundTask`); the other options are described at `TaskOptions`. Raises ValueError for a name
        that is taken or has other characters than letters, digits, `_`, `.` and `-`.
        """
        if fn is None:
            return lambda function: self._register(function, name, task_options(options), bind)
        return self._register(fn, name, task_options(options), bind)

    def on(self, event: Event) -> Callable[[H], H]:
        """Have a function called at every `event`, with those of its facts that it names; see `headrace.hooks`.

        @app.on("task_failure")
        def tell(request: Request, error: BaseException) -> None: ...
        """

        def register(hook: H) -> H:
            self.hooks.on(event, hook)
            return hook

        return register

    def middleware(self, function: M) -> M:
        """Put a generator function around every run: it is called with the request, and the task runs at its `yield`.

        What the task raises is raised at the `yield`. An async generator function goes around async tasks only.
        """
        self.hooks.use(function)
        return function

    def autodiscover_tasks(self, packages: Packages, related_name: str = "tasks", *, force: bool = False) -> None:
        """Have a worker import `<package>.tasks` of each package that has it; `force`: here and now.

        `packages`: their names, or a function that returns them when the time has come.
        """
        self._discovery.want(packages, related_name)
        if force:
            for package in packages() if callable(packages) else packages:
                import_related(package, related_name)

    def load_tasks(self) -> None:
        """Import the modules of `include`, `conf.imports` and `autodiscover_tasks`: what a worker does at its start."""
        self._discovery.load([*self.conf.imports, *self.conf.include])
        for moment in (self.on_after_configure, self.on_after_finalize):
            moment.come(self)

    def signature(
        self,
        task: str | Mapping[str, Any] | Signature[Any],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        options: CallOptions | None = None,
        *,
        immutable: bool = False,
    ) -> Signature[Any]:
        """Return a call of a task by its name, to be sent later; or the call that `dict(signature)` was made of."""
        if isinstance(task, str):
            return Signature(task, args, kwargs or {}, options or {}, immutable, sender=self)
        return Signature(**dict(task), sender=self)

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
        if self.conf.task_always_eager:
            return run_eagerly(self._here(name), args, kwargs or {}, call)
        job = self.client.enqueue_job(self.job(name, args, kwargs or {}, call))
        return self.client.handle(job.id, read=self._reader(name))

    async def asend_task(
        self,
        name: str,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        **call: Unpack[CallOptions],
    ) -> AsyncJobHandle[Any]:
        """Send a call away as `send_task` does, awaiting."""
        if self.conf.task_always_eager:
            return await arun_eagerly(self._here(name), args, kwargs or {}, call)
        job = await self.async_client.enqueue_job(self.job(name, args, kwargs or {}, call))
        return self.async_client.handle(job.id, read=self._reader(name))

    def enqueue_many(self, calls: Iterable[Signature[R]]) -> list[JobHandle[R]]:
        """Send many calls away with one request per thousand; return their handles in the same order.

        At most 100 calls for one queue are all sent or none; of others some may be when one is refused: a note on the
        error says how many. Raises what `send_task` raises.
        """
        if self.conf.task_always_eager:
            return [call.apply_async() for call in calls]
        handles: list[JobHandle[R]] = []
        for batch in batches([self.job(c.task, c.args, c.kwargs, c.options) for c in calls]):
            done = enqueued(self.client.enqueue_batch(batch, atomic=is_one(batch)), len(handles))
            readers, client = self._readers(batch), self.client
            handles += [client.handle(id, read=readers[job.task]) for job, id in zip(batch, done, strict=True)]
        return handles

    async def aenqueue_many(self, calls: Iterable[Signature[R]]) -> list[AsyncJobHandle[R]]:
        """Send many calls away as `enqueue_many` does, awaiting."""
        if self.conf.task_always_eager:
            return [await call.aapply_async() for call in calls]
        handles: list[AsyncJobHandle[R]] = []
        for batch in batches([self.job(c.task, c.args, c.kwargs, c.options) for c in calls]):
            done = enqueued(await self.async_client.enqueue_batch(batch, atomic=is_one(batch)), len(handles))
            readers, client = self._readers(batch), self.async_client
            handles += [client.handle(id, read=readers[job.task]) for job, id in zip(batch, done, strict=True)]
        return handles

    def job(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], call: CallOptions) -> NewJob:
        """Return the job that a call becomes, without sending it. Raises what `send_task` does before it sends."""
        return new_job(name, self.tasks.get(name), args, kwargs, call, self.conf, self.serializers)

    def handle(self, job_id: str, *, task: str | None = None) -> JobHandle[Any]:
        """Return a handle on a job that was sent elsewhere; its result is read as one of `task` (a name) is.

        Where the task is not known here, a result without a serializer is a Raw.
        """
        return self.client.handle(job_id, read=self._reader(task))

    AsyncResult = handle  # as Celery calls it

    def ahandle(self, job_id: str, *, task: str | None = None) -> AsyncJobHandle[Any]:
        """Return a handle as `handle` does, for the code of the running event loop."""
        return self.async_client.handle(job_id, read=self._reader(task))

    def set_current(self) -> None:
        """Make this the app by which shared tasks are sent; the app that was made last is it anyway."""
        _current.set_current(self)

    def close(self) -> None:
        """Close the blocking client's connections; the next call opens new ones, to wherever `conf.url` says then."""
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
        return f"App({len(self.tasks)} tasks)"

    def _register(
        self, fn: Callable[..., Any], name: str | None, options: TaskOptions, bind: bool
    ) -> BaseTask[Any, Any]:
        definition = Definition(fn, checked_name(name or default_name(fn, self.name)), options, bind)
        if definition.name in self._tasks:
            raise ValueError(f"there is a task {definition.name!r} already; give one of them another name=")
        self._tasks[definition.name] = task = make_task(definition, self)
        return task

    def _reader(self, name: str | None) -> Callable[[Any], Any]:
        """Return what makes of a result, as it travelled, what the caller of a task gets."""
        task = self.tasks.get(name or "")
        if task is None:
            return lambda result: self.serializers.decode(result, raw=True)
        return lambda result: task.shape.fit_result(self.serializers.decode(result, raw=task.shape.returns_raw))

    def _readers(self, jobs: Iterable[NewJob]) -> dict[str, Callable[[Any], Any]]:
        """Return the reader of each task that jobs are of: mostly one, for a thousand of them."""
        return {name: self._reader(name) for name in {job.task for job in jobs}}

    def _here(self, name: str) -> BaseTask[Any, Any]:
        task = self.tasks.get(name)
        if task is None:
            raise LookupError(f"task_always_eager runs tasks of this app, and it has no {name!r}")
        return task
