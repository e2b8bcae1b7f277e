"""A function that can be sent away: called, it runs here and now; `delay` makes a job of the call."""

import functools
import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, ParamSpec, TypeVar, Unpack, cast

from headrace._current import current_app
from headrace.annotations import Shape, shape_of
from headrace.bound import BoundTask
from headrace.naming import limit_key
from headrace.options import CallOptions, TaskOptions, job_options
from headrace.results import AsyncJobHandle, JobHandle
from headrace.signatures import Signature

if TYPE_CHECKING:
    from headrace.app import App
    from headrace.eager import AsyncEagerResult, EagerResult

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_QUEUE: Final = "default"  # the server's word for the queue of a job that names none


class BaseTask(BoundTask, Generic[P, R]):
    """A task: `delay` sends a call away, calling the task itself runs the function here and now.

    `fn` is the function, `run` calls it as a worker does (with the task as first argument where `bind` says so),
    `options` are those of the code, `is_async` tells a coroutine function.
    """

    is_async: bool = False

    def __init__(
        self, fn: Callable[..., Any], name: str, options: TaskOptions, *, bind: bool = False, app: "App | None" = None
    ) -> None:
        functools.update_wrapper(cast("Any", self), fn)
        self.fn = fn
        self.name = name
        self.options = options
        self.bind = bind
        self.run: Callable[..., Any] = functools.partial(fn, self) if bind else fn
        if bind:
            self.__signature__ = inspect.signature(self.run)  # for help() and for those who ask: without the task
        self._app = app
        self._in_force: tuple[object, TaskOptions] | None = None
        self._asks: tuple[TaskOptions, Mapping[str, Any]] | None = None

    @property
    def app(self) -> "App":
        """The app that the task belongs to; of what `@shared_task` returns, the current one."""
        return self._app or current_app()

    @property
    def in_force(self) -> TaskOptions:
        """The options with what `app.conf` says about them: what jobs really ask for."""
        conf = self.app.conf
        stamp = (id(conf), conf.version)
        if self._in_force is None or self._in_force[0] != stamp:
            self._in_force = (stamp, conf.options_of(self.name, self.options))
        return self._in_force[1]

    @property
    def asks(self) -> Mapping[str, Any]:
        """What all jobs ask for whose calls have no options of their own, in the terms of `NewJob`."""
        options = self.in_force
        if self._asks is None or self._asks[0] is not options:
            self._asks = (options, job_options(options, {}, limit_key=limit_key(self.name)))
        return self._asks[1]

    @property
    def queue(self) -> str:
        """Where the task's jobs go unless a call says otherwise."""
        return self.in_force.queue or DEFAULT_QUEUE

    @functools.cached_property
    def shape(self) -> Shape:
        """What the function's annotations say about its arguments (without the bound one) and its result."""
        return shape_of(self.fn, bound=self.bind)

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Send a call away, with the function's own arguments, and return a handle on its result."""
        return self.app.send_task(self.name, args, kwargs)

    async def adelay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncJobHandle[R]:
        """Send a call away as `delay` does, awaiting."""
        return await self.app.asend_task(self.name, args, kwargs)

    def apply_async(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **call: Unpack[CallOptions]
    ) -> JobHandle[R]:
        """Send a call away with options of its own (`CallOptions`) and return a handle on its result.

        Raises TypeError for arguments that the function does not take or the serializer cannot write, ValueError for
        options that contradict each other, and whatever `Client.enqueue` raises.
        """
        return self.app.send_task(self.name, args, kwargs, **call)

    async def aapply_async(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **call: Unpack[CallOptions]
    ) -> AsyncJobHandle[R]:
        """Send a call away as `apply_async` does, awaiting."""
        return await self.app.asend_task(self.name, args, kwargs, **call)

    def delay_many(
        self, calls: "Iterable[Signature[R] | Sequence[Any] | Mapping[str, Any]]", **call: Unpack[CallOptions]
    ) -> list[JobHandle[R]]:
        """Send many calls away with one request per thousand; return their handles in the same order.

        A call is a signature (`task.s(...)`), a sequence of positional arguments, or a mapping of named ones; `call`
        are options of them all. Raises what `App.enqueue_many` raises.
        """
        return self.app.enqueue_many(self._signatures(calls, call))

    async def adelay_many(
        self, calls: "Iterable[Signature[R] | Sequence[Any] | Mapping[str, Any]]", **call: Unpack[CallOptions]
    ) -> list[AsyncJobHandle[R]]:
        """Send many calls away as `delay_many` does, awaiting."""
        return await self.app.aenqueue_many(self._signatures(calls, call))

    def apply(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **call: Unpack[CallOptions]
    ) -> "EagerResult[R]":
        """Run a call here and now as a worker would, with its retries, and return its result as a handle does."""
        from headrace.eager import run_eagerly

        return run_eagerly(self, args, kwargs or {}, call)

    async def aapply(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **call: Unpack[CallOptions]
    ) -> "AsyncEagerResult[R]":
        """Run a call here and now as `apply` does, awaiting."""
        from headrace.eager import arun_eagerly

        return await arun_eagerly(self, args, kwargs or {}, call)

    def handle(self, job_id: str) -> JobHandle[R]:
        """Return a handle on a job of this task that was sent elsewhere."""
        return self.app.handle(job_id, task=self.name)

    AsyncResult = handle  # as Celery calls it

    def ahandle(self, job_id: str) -> AsyncJobHandle[R]:
        """Return a handle as `handle` does, for the code of the running event loop."""
        return self.app.ahandle(job_id, task=self.name)

    def s(self, *args: P.args, **kwargs: P.kwargs) -> Signature[R]:
        """Return a call that can be sent later; arguments given then go before these."""
        return Signature(self.name, args, kwargs, sender=self._app)

    def si(self, *args: P.args, **kwargs: P.kwargs) -> Signature[R]:
        """Return a call that can be sent later and takes no more arguments."""
        return Signature(self.name, args, kwargs, immutable=True, sender=self._app)

    def signature(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **call: Unpack[CallOptions]
    ) -> Signature[R]:
        """Return a call that can be sent later, with options of its own; some of the arguments may be missing."""
        return Signature(self.name, args, kwargs or {}, call, sender=self._app)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def _signatures(
        self, calls: "Iterable[Signature[R] | Sequence[Any] | Mapping[str, Any]]", options: CallOptions
    ) -> list[Signature[R]]:
        signatures = map(self._signature, calls)
        return [each.set(**options) for each in signatures] if options else [*signatures]

    def _signature(self, call: "Signature[R] | Sequence[Any] | Mapping[str, Any]") -> Signature[R]:
        if isinstance(call, Signature):
            if call.task != self.name:
                raise ValueError(f"a call of {call.task} among those of {self.name}; app.enqueue_many takes all kinds")
            return call
        if isinstance(call, Mapping):
            return self.signature(kwargs=call)
        if isinstance(call, str | bytes):
            raise TypeError(f"{call!r} is one argument; a call is a tuple of all: ({call!r},)")
        return self.signature(call)


class Task(BaseTask[P, R]):
    """A task over a plain function."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function here and now."""
        result: R = self.run(*args, **kwargs)
        return result


class AsyncTask(BaseTask[P, R]):
    """A task over an `async def` function."""

    is_async = True

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """Run the function here and now; await it."""
        result: Coroutine[Any, Any, R] = self.run(*args, **kwargs)
        return result
