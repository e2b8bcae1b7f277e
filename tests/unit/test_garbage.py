"""What a server process says to the garbage collector: each in a process of its own, for it holds for all of one."""

import subprocess
import sys

SETTLED = "import gc\nfrom headrace_server.cli import garbage\ngarbage.settle_down()\n"


def said(program: str) -> list[int]:
    """Return the numbers that a program prints, in a process that has settled down."""
    done = subprocess.run([sys.executable, "-c", SETTLED + program], capture_output=True, text=True, check=True)
    return [int(word) for word in done.stdout.split()]


def test_objects_of_requests_in_flight_are_not_looked_at() -> None:
    program = """
looks = lambda: sum(stats["collections"] for stats in gc.get_stats())
before = looks()
for _ in range(100):
    in_flight = [[] for _ in range(5_000)]
    del in_flight
print(before, looks())
"""
    before, after = said(program)
    assert before == after


def test_circles_go_all_the_same() -> None:
    program = """
import weakref
class Circle:
    def __init__(self):
        self.itself = self
circles = [weakref.ref(Circle()) for _ in range(50_000)]
print(sum(circle() is not None for circle in circles), gc.get_freeze_count())
"""
    left, frozen = said(program)
    assert left < 25_000
    assert frozen > 0
