"""Where a process was, from one that cannot tell it any more."""

import asyncio
import os
import sys

import pytest
from headrace_worker.blackbox import BlackBox

SCRIPT = """
import ctypes, sys, threading
from headrace_worker import blackbox
blackbox.record(int(sys.argv[1]))
def culprit():
    print("here", flush=True)
    {}
culprit()
"""


async def written_by(body: str, *, is_asked: bool) -> str:
    """Return what a process leaves that crashes, or is asked and then killed."""
    box = BlackBox()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SCRIPT.format(body), str(box.fd)),
        stdout=asyncio.subprocess.PIPE,
        pass_fds=(box.fd,),
    )
    assert process.stdout is not None
    await process.stdout.readline()
    if is_asked:
        await box.ask(process.pid)
        process.kill()
    await process.wait()
    written = os.pread(box.fd, 10_000, 0).decode()
    assert (box.read() is None) == is_asked, "a thread that runs no job is of no interest, a crash is"
    box.close()
    return written


@pytest.mark.anyio
async def test_a_crash_leaves_its_stack() -> None:
    written = await written_by("ctypes.string_at(1)", is_asked=False)
    assert "Segmentation fault" in written
    assert "in culprit" in written


@pytest.mark.anyio
@pytest.mark.parametrize("body", ["while True: ctypes.PyDLL(None).sleep(60)", "threading.Event().wait()"])
async def test_a_process_that_is_asked_writes_its_stack_whatever_it_is_doing(body: str) -> None:
    assert "in culprit" in await written_by(body, is_asked=True)


@pytest.mark.anyio
async def test_a_process_that_is_gone_is_asked_in_vain() -> None:
    box = BlackBox()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await process.wait()
    await box.ask(process.pid)
    assert box.read() is None
    box.close()


def test_only_threads_that_run_jobs_are_told_of() -> None:
    box = BlackBox()
    idle = 'Thread 0x1 (most recent call first):\n  File "executor.py", line 1 in _live\n'
    busy = 'Thread 0x2 (most recent call first):\n  File "headrace_worker/run.py", line 1 in run\n'
    current = 'Current thread 0x3 (most recent call first):\n  File "child.py", line 1 in listen\n'
    os.write(box.fd, f"{idle}\n{busy}\n{current}".encode())
    assert box.read() == busy.strip()
    box.close()
