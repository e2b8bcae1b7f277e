"""The line on how far long work is: what it says, and that only a terminal sees it."""

import os
import pty
import subprocess

import pytest
from headrace import Client, NewJob
from headrace.commands._progress import Progress

from tests.support.servers import HEADRACE, ServerProcess, clean_env


@pytest.mark.parametrize(
    ("done", "total", "line"),
    [
        (50, 200, "import [######..................] 50/200 jobs, 5/s, 30 s left"),
        (200, 200, "import [########################] 200/200 jobs, 20/s"),
        (1_500, None, "import 1,500 jobs, 150/s"),
        (0, None, "import 0 jobs, 0/s"),
    ],
)
def test_it_says_how_far_the_work_is(done: int, total: int | None, line: str) -> None:
    progress = Progress("import", total)
    progress.reached(done)
    assert progress.line(elapsed_s=10.0) == line


def test_it_counts_what_passes() -> None:
    progress = Progress("export")
    assert list(progress.over(iter("abc"))) == ["a", "b", "c"]
    assert progress.line(1.0) == "export 3 jobs, 3/s"


@pytest.mark.parametrize("at_a_terminal", [True, False])
def test_only_a_terminal_sees_it(shared_server: ServerProcess, queue: str, at_a_terminal: bool) -> None:
    with Client(shared_server.url) as client:
        client.enqueue_batch([NewJob(task="t", queue=queue)] * 3, atomic=False)
    ours, theirs = pty.openpty()
    told = theirs if at_a_terminal else subprocess.DEVNULL
    words = [HEADRACE, "export", "--queue", queue, "--url", shared_server.url]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=told, env=clean_env(), check=True)
    assert len(done.stdout.splitlines()) == 3
    os.set_blocking(ours, False)
    try:
        drawn = os.read(ours, 10_000)
    except BlockingIOError:
        drawn = b""
    assert (b"export 1 jobs" in drawn) == at_a_terminal
    assert drawn.endswith(b"\x1b[K") or not at_a_terminal, "the line is gone at the end"
    os.close(ours)
    os.close(theirs)
