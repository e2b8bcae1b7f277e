"""Calls that are sent when the transaction is committed, so that no worker looks for what is not there yet."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ParamSpec, Unpack

from django.db import transaction

from headrace.options import CallOptions
from headrace.tasks import BaseTask

P = ParamSpec("P")


def delay_on_commit(task: BaseTask[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> None:
    """Send a call away as `task.delay` does once the transaction of the default database is committed.

    Without a transaction that is now; when the transaction is rolled back, never. There is no handle, because there is
    no job yet. What sending raises then, the code that ended the transaction gets: its data is committed.
    """
    apply_async_on_commit(task, args, kwargs)


def apply_async_on_commit(
    task: BaseTask[Any, Any],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    using: str | None = None,
    **call: Unpack[CallOptions],
) -> None:
    """Send a call away as `task.apply_async` does once the transaction of the database `using` is committed."""
    transaction.on_commit(partial(task.apply_async, args, kwargs, **call), using=using)
