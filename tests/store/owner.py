"""A process that does with the embedded store what a server does, and nothing else; tests kill it.

python -m tests.store.owner DATA_DIR      prints `ready URL` once it serves; SIGTERM ends it in order
"""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from headrace_server.store import EmbeddedStore, StoreRefused


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


async def main(data_dir: Path) -> int:
    store = EmbeddedStore(data_dir, log=tell)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    try:
        url = await store.start()
    except StoreRefused as refused:
        tell(f"refused {refused}")
        return refused.exit_code
    tell(f"ready {url}")
    running = asyncio.create_task(store.run())
    await ended.wait()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await store.stop()
    tell("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]))))
