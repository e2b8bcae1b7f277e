"""The `self` of a task with `bind=True`: its job, and what it may ask for while it runs."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NoReturn, overload

from headrace.context import CURRENT, Request
from headrace.durations import Seconds
from headrace.exceptions import MaxRetriesExceeded, Retry

if TYPE_CHECKING:
    from headrace.app import App


class BoundTask:
    """What a task with `bind=True` gets as its first argument.

    @app.task(bind=True, max_retries=5)
    def fetch(self: BoundTask, page: str) -> str:
        try:
            return get(page)
        except Busy as error:
            self.retry(exc=error, countdown=2**self.request.retries)
    """

    name: str

    @property
    def app(self) -> "App":
        """The app that the task belongs to."""
        raise NotImplementedError  # every task has one: BaseTask.app

    @property
    def request(self) -> Request:
        """The job that runs: `id`, `attempt`, `retries`, `delivery`, `deadline`, `fence`, `headers` and so on.

        In a plain call of the task, outside of any job, a request without an id.
        """
        return CURRENT.get(None) or Request(id="", task=self.name, queue="")

    @property
    def cancelled(self) -> bool:
        """Whether somebody wants the job to end: clean up and raise Cancelled, or finish all the same."""
        return self.request.cancelled

    def progress(self, value: Any) -> None:
        """Tell whoever looks at the job how far it is; see `Request.progress`."""
        self.request.progress(value)

    def checkpoint(self, value: Any) -> None:
        """Keep where the work can go on; see `Request.checkpoint`."""
        self.request.checkpoint(value)

    @overload
    def retry(
        self,
        *,
        countdown: Seconds | None = None,
        eta: datetime | None = None,
        exc: BaseException | None = None,
        max_retries: int | None = None,
        throw: Literal[True] = True,
    ) -> NoReturn: ...
    @overload
    def retry(
        self,
        *,
        countdown: Seconds | None = None,
        eta: datetime | None = None,
        exc: BaseException | None = None,
        max_retries: int | None = None,
        throw: bool,
    ) -> Retry: ...
    def retry(
        self,
        *,
        countdown: Seconds | None = None,
        eta: datetime | None = None,
        exc: BaseException | None = None,
        max_retries: int | None = None,
        throw: bool = True,
    ) -> Retry:
        """End this run and have another: raises Retry, or returns it with `throw=False`, to be raised by the caller.

        `countdown` (seconds) or `eta` (aware) say when; without them the backoff of the job does. `exc` is what went
        wrong. `max_retries` may only lower the number that the job has. Raises MaxRetriesExceeded, from `exc`, when no
        retry is left: the job is dead then. In a plain call of the task, outside of any job, it raises `exc` itself.
        """
        request = self.request
        if not request.id and exc is not None:
            raise exc
        again = Retry(countdown=countdown, eta=eta, exc=exc)
        most = request.max_attempts - 1 if max_retries is None else min(max_retries, request.max_attempts - 1)
        if request.id and request.retries >= most:
            raise MaxRetriesExceeded(exc=exc) from exc
        if throw:
            raise again from exc
        return again
