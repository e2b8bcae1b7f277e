"""Connections to databases end with each task, as they end with each request of the web server."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from typing import Any

from asgiref.sync import sync_to_async
from django.db import close_old_connections

from headrace.context import Request


def around_functions(request: Request) -> Generator[None, Any, None]:
    """Close, before and after the task, what is broken or older than CONN_MAX_AGE, on the task's own thread."""
    here = not (request.is_eager or _on_event_loop())
    if here:
        close_old_connections()
    try:
        yield
    finally:
        if here:
            close_old_connections()


async def around_coroutines(request: Request) -> AsyncGenerator[None, Any]:
    """Do the same for an `async def` task: its queries run on the thread to which Django sends them."""
    if not request.is_eager:
        await sync_to_async(close_old_connections)()
    try:
        yield
    finally:
        if not request.is_eager:
            await sync_to_async(close_old_connections)()


def _on_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
