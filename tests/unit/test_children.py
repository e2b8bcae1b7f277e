"""A child process that cannot be started again at once is started later."""

import asyncio
from pathlib import Path

import pytest
from headrace_server.cli.children import Child

from tests.support.waiting import eventually_async

pytestmark = pytest.mark.anyio


async def test_a_child_that_cannot_be_started_for_a_moment_is_started_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As when the machine is out of processes or memory; here its program is away."""
    program, lives = tmp_path / "program", tmp_path / "lives"

    def write() -> None:
        program.write_text(f"#!/bin/sh\necho one >> {lives}\n")
        program.chmod(0o755)

    async def refused() -> bool:
        return "child not started" in caplog.text

    async def again() -> bool:
        return lives.read_text().count("one") >= 2

    write()
    child = Child("child", [str(program)], {})
    await child.start()
    await child.wait()
    program.unlink()
    keeping = asyncio.create_task(child.keep())
    await eventually_async(refused, what="a new start has failed")
    write()
    await eventually_async(again, what="it was started again")
    await child.stop(grace_s=5)
    await asyncio.wait_for(keeping, 5)
