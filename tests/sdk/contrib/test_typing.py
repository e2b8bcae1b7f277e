"""What a type checker makes of the integrations: each line that says so is an error, and no other one is."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
from typing import assert_type

from flask import Flask
from headrace import JobHandle, shared_task
from headrace.contrib.django import apply_async_on_commit, delay_on_commit
from headrace.contrib.fastapi import Headrace as FastAPIHeadrace
from headrace.contrib.flask import Headrace

queue = Headrace(Flask("shop"), url="http://a.test")


@queue.task(queue="sums")
def add(x: int, y: int = 0) -> int:
    return x + y


@shared_task
async def send(to: str) -> None: ...


assert_type(add.delay(1), JobHandle[int])
delay_on_commit(add, 1, y=2)
delay_on_commit(send, "ann")
delay_on_commit(add, "1")  # type: ignore[arg-type]
delay_on_commit(add)  # type: ignore[call-arg]
delay_on_commit(send, to=1)  # type: ignore[arg-type]
apply_async_on_commit(add, (1,), using="other", countdown=5)
apply_async_on_commit(add, (1,), countdwon=5)  # type: ignore[call-arg]
FastAPIHeadrace(Flask("shop"))  # type: ignore[arg-type]
"""


def test_wrong_calls_are_errors(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    argv = [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--cache-dir", str(tmp_path), str(program)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
