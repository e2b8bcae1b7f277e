"""One listening socket for all server processes, or one for each (SO_REUSEPORT)?

Two processes with uvicorn's loop (uvloop) accept on one port. Measured: how evenly 200 kept connections spread, and how
many clients are turned away while processes leave and come back, as they do at a restart.

    python3 bench/shared_socket/run.py
"""

import asyncio
import multiprocessing
import os
import platform
import signal
import socket
import sys
import threading
import time
from collections import Counter
from multiprocessing.process import BaseProcess

import uvloop

BACKLOG = 2_048
KEPT = 200
ROUNDS = 20


def listening(*, reuse: bool, port: int = 0) -> socket.socket:
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind(("127.0.0.1", port))
    bound.listen(BACKLOG)
    return bound


def serve(shared: socket.socket | None, port: int) -> None:
    """Answer every connection with this process's id until SIGTERM, which closes the socket first, as a drain does."""

    class Answer(asyncio.Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            transport.write(b"%d\n" % os.getpid())

    async def main() -> None:
        bound = shared or listening(reuse=True, port=port)
        loop = asyncio.get_running_loop()
        stopped = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stopped.set)
        server = await loop.create_server(Answer, sock=bound, backlog=BACKLOG)
        await stopped.wait()
        server.close()
        await asyncio.sleep(0.1)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def start(shared: socket.socket | None, port: int) -> BaseProcess:
    process = multiprocessing.get_context("fork").Process(target=serve, args=(shared, port), daemon=True)
    process.start()
    return process


def ask(port: int) -> tuple[socket.socket, str]:
    client = socket.create_connection(("127.0.0.1", port), 5)
    return client, client.recv(20).decode()


def spread(port: int) -> list[int]:
    clients, names = zip(*(ask(port) for _ in range(KEPT)), strict=True)
    for client in clients:
        client.close()
    return sorted(Counter(names).values())


def turned_away(port: int, processes: list[BaseProcess], shared: socket.socket | None) -> tuple[int, int]:
    """Connect without a pause while processes are replaced one after the other; return (refused or reset, all)."""
    failed = asked = 0
    stop = threading.Event()

    def connect() -> None:
        nonlocal failed, asked
        while not stop.is_set():
            asked += 1
            try:
                client, name = ask(port)
                client.close()
                failed += not name
            except OSError:
                failed += 1

    threads = [threading.Thread(target=connect) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(ROUNDS):
        oldest = processes.pop(0)
        processes.append(start(shared, port))
        time.sleep(0.1)
        oldest.terminate()
        oldest.join()
    stop.set()
    for thread in threads:
        thread.join()
    return failed, asked


def measure(*, reuse: bool) -> str:
    first = listening(reuse=reuse)
    port: int = first.getsockname()[1]
    shared = None if reuse else first
    if reuse:
        first.close()  # it would swallow its share and accept nothing
    processes = [start(shared, port) for _ in range(2)]
    time.sleep(0.5)
    even = [spread(port) for _ in range(5)]
    failed, asked = turned_away(port, processes, shared)
    for process in processes:
        process.terminate()
        process.join()
    first.close()
    return f"connections per process, five times: {even}; turned away while {ROUNDS} left: {failed} of {asked}"


if __name__ == "__main__":
    sys.stdout.write(
        f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}\n"
    )
    sys.stdout.write(f"one socket    {measure(reuse=False)}\n")
    sys.stdout.write(f"one for each  {measure(reuse=True)}\n")
