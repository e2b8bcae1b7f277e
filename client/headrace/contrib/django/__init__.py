"""Headrace in a Django project: name it in INSTALLED_APPS, and put tasks into the `tasks.py` of your apps.

    from headrace.contrib.django import app, delay_on_commit

    @app.task(queue="mail")
    def send_receipt(order_id: int) -> None: ...

    delay_on_commit(send_receipt, order.pk)  # sent when the transaction is committed, and never if it is not

`app` is made of the settings at first use: `HEADRACE = {"URL": ..., "TOKEN": ...}`, or one by one as `HEADRACE_URL`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.contrib.django.instance import app
    from headrace.contrib.django.sending import apply_async_on_commit, delay_on_commit

__all__ = ["app", "apply_async_on_commit", "delay_on_commit"]

_HOMES = {"app": "instance", "apply_async_on_commit": "sending", "delay_on_commit": "sending"}


def __getattr__(name: str) -> Any:  # Django imports this package before it is ready for what these need
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
