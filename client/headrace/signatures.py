"""A call that is not sent yet: a task's name, arguments and options, as a value that can be kept and passed on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, Unpack, cast

from headrace._current import current_app
from headrace.options import CallOptions
from headrace.results import AsyncJobHandle, JobHandle

if TYPE_CHECKING:
    from headrace.app import App

R_co = TypeVar("R_co", covariant=True)

_FIELDS: Final = ("task", "args", "kwargs", "options", "immutable")


@dataclass(frozen=True, eq=False)
class Signature(Generic[R_co]):
    """A call for later: `add.s(2, 3)`, `app.signature("shop.add", (2, 3))`; sent by `delay` or `apply_async`.

    It never changes: `set` and `clone` return another one. `dict(signature)` is a plain dict, of which
    `app.signature(that)` makes the call again, in this program or another.
    """

    task: str  # its name
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: CallOptions = field(default_factory=CallOptions)
    immutable: bool = False  # takes no more arguments
    sender: "App | None" = field(default=None, repr=False, kw_only=True)  # None: the current app

    @property
    def app(self) -> "App":
        """The app that sends it."""
        return self.sender or current_app()

    def set(self, **options: Unpack[CallOptions]) -> "Signature[R_co]":
        """Return the same call with more options, over those that it has."""
        return replace(self, options=cast("CallOptions", {**self.options, **options}))

    def clone(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **options: Unpack[CallOptions]
    ) -> "Signature[R_co]":
        """Return the same call with more arguments and options: `args` go before its own, `kwargs` over them.

        One that is immutable keeps its arguments and takes the options.
        """
        if not self.immutable:
            return replace(self, args=(*args, *self.args), kwargs={**self.kwargs, **(kwargs or {})}).set(**options)
        return self.set(**options)

    def delay(self, *args: Any, **kwargs: Any) -> JobHandle[R_co]:
        """Send it away, with more arguments as `clone` takes them, and return a handle on its result."""
        return self.apply_async(args, kwargs)

    async def adelay(self, *args: Any, **kwargs: Any) -> AsyncJobHandle[R_co]:
        """Send it away as `delay` does, awaiting."""
        return await self.aapply_async(args, kwargs)

    def apply_async(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **options: Unpack[CallOptions]
    ) -> JobHandle[R_co]:
        """Send it away, with more arguments and options as `clone` takes them. Raises what `Task.apply_async` does."""
        call = self.clone(args, kwargs, **options)
        return call.app.send_task(call.task, call.args, call.kwargs, **call.options)

    async def aapply_async(
        self, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, **options: Unpack[CallOptions]
    ) -> AsyncJobHandle[R_co]:
        """Send it away as `apply_async` does, awaiting."""
        call = self.clone(args, kwargs, **options)
        return await call.app.asend_task(call.task, call.args, call.kwargs, **call.options)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task's function here and now; await it where it is a coroutine function. KeyError: unknown here."""
        call = self.clone(args, kwargs)
        return call.app.tasks[call.task].run(*call.args, **call.kwargs)

    def keys(self) -> Sequence[str]:
        """Return the names of the fields, for `dict(signature)`."""
        return _FIELDS

    def __getitem__(self, name: str) -> Any:
        if name not in _FIELDS:
            raise KeyError(name)
        value = getattr(self, name)
        return {"args": list, "kwargs": dict, "options": dict}.get(name, lambda same: same)(value)

    def __iter__(self) -> Iterator[str]:
        return iter(_FIELDS)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Signature) and dict(self) == dict(other)

    def __hash__(self) -> int:
        return hash((self.task, len(self.args), self.immutable))
