"""A producer and a consumer that speak to a relay over a plain socket.

python -m relay.ends produce PORT JOBS RATE
python -m relay.ends consume PORT JOBS             prints how many nanoseconds after its stamp each job was there
"""

import json
import socket
import sys
import time
from typing import NoReturn

from crowd import CHUNK, post, whole
from peers.job import STAMP_DIGITS, payload

ANSWER_S = 30.0


def ask(to: socket.socket, request: bytes) -> bytes:
    """Send a request and return its answer."""
    to.sendall(request)
    answer = to.recv(CHUNK)
    while not whole(answer):
        answer += to.recv(CHUNK) or closed()
    return answer


def closed() -> NoReturn:
    raise SystemExit("the relay closed a connection")


def produce(relay: socket.socket, jobs: int, rate: float) -> None:
    """Enqueue at a rate, each job after the answer to the one before."""
    begun = time.monotonic()
    for number in range(jobs):
        time.sleep(max(0.0, begun + number / rate - time.monotonic()))
        ask(relay, post("/jobs", payload().encode()))


def consume(relay: socket.socket, jobs: int) -> list[int]:
    """Take jobs, each after the one before; return how old they were then, in nanoseconds."""
    request, found = post("/next", b""), []
    for _ in range(jobs):
        answer = ask(relay, request)
        now = time.monotonic_ns()
        stamp = answer.find(b"\r\n\r\n") + 4
        found.append(now - int(answer[stamp : stamp + STAMP_DIGITS]))
    ask(relay, request)  # the last one is done, too
    return found


if __name__ == "__main__":
    with socket.create_connection(("127.0.0.1", int(sys.argv[2])), ANSWER_S) as relay:
        relay.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        relay.settimeout(ANSWER_S)
        if sys.argv[1] == "produce":
            produce(relay, int(sys.argv[3]), float(sys.argv[4]))
        else:
            print(json.dumps(consume(relay, int(sys.argv[3]))))
