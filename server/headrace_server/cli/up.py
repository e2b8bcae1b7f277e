"""`headrace up`: the server and one worker process with the demo tasks, ended together."""

import asyncio
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from functools import partial
from typing import Final

from headrace_server.api import url_of
from headrace_server.cli import serve
from headrace_server.cli.children import Child
from headrace_server.config import Settings, env_name

APP: Final = "headrace_worker.demo:app"
# the console script by its entry point: it works wherever this interpreter does
HEADRACE: Final = (sys.executable, "-c", "import sys; from headrace.cli import main; sys.exit(main())")
TASK_DRAIN_S: Final = 5  # what running demo tasks get at a stop; the rest goes back to its queue
WORKER_GRACE_S: Final = 12.0  # longer than that and the worker's last requests

_WELCOME: Final = """
  API      {url}/v1      documentation {url}/docs
  worker   {app}: demo.add, demo.sleep, demo.steps, demo.fail, demo.echo on queue `default`
  store    {store}

Put a job in and wait for its result:

  curl -s '{url}/v1/jobs?wait=10' -H 'content-type: application/json'{auth} -d '{{"task":"demo.add","payload":[2,3]}}'

Ctrl-C ends both.
"""


def run(settings: Settings) -> int:
    """Run until a signal; return 0."""
    bound = serve.open_door(settings)
    serve.run_async(_serve(settings, bound))
    return 0


async def _serve(settings: Settings, bound: socket.socket) -> None:
    # The worker starts meanwhile: its first request waits in the socket's queue until the server is ready.
    argv = [*HEADRACE, "worker", APP, "--drain-timeout", str(TASK_DRAIN_S)]
    worker = Child("demo worker", argv, worker_env(settings, bound, os.environ))
    await worker.start()
    kept = asyncio.ensure_future(worker.keep())
    stop = partial(worker.stop, grace_s=WORKER_GRACE_S)
    try:
        # the worker first: it still has a server to hand its jobs back to
        await serve.serve(settings, bound, ready=partial(_welcome, settings, bound), before_drain=stop)
    finally:
        await stop()
        await kept


def worker_env(settings: Settings, bound: socket.socket, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the worker's environment: where the server is and its token, but none of the server's own secrets."""
    hidden = {env_name(f.name) for f in fields(Settings) if f.metadata["secret"]}
    kept = {name: value for name, value in environ.items() if name not in hidden}
    kept["HEADRACE_URL"] = local_url(bound)
    if settings.tokens:
        kept["HEADRACE_TOKEN"] = settings.tokens[0]
    return kept


def local_url(bound: socket.socket) -> str:
    """Return the address at which this machine reaches a socket, also one that listens on all addresses."""
    return url_of(bound).replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def _welcome(settings: Settings, bound: socket.socket) -> None:
    serve.announce(bound)
    store = f"embedded, {settings.store_dir()}" if settings.redis_url is None else "external (HEADRACE_REDIS_URL)"
    auth = ' -H "authorization: Bearer $HEADRACE_TOKEN"' if settings.tokens else ""
    with suppress(BrokenPipeError):  # nobody reads it
        sys.stdout.write(_WELCOME.format(url=local_url(bound), app=APP, store=store, auth=auth))
        sys.stdout.flush()
