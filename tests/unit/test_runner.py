"""The runner of background duties: it outlives the store's outages, and says when they begin and end."""

import asyncio
import logging

import pytest
from headrace_server.domain.errors import Code, NotDone
from headrace_server.loops.runner import run_loop
from headrace_server.telemetry.meters import Layout, Meters


def test_the_end_of_an_outage_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    steps = iter([None, NotDone(Code.STORE_UNREACHABLE, "away"), NotDone(Code.STORE_UNREACHABLE, "away"), None, None])

    async def step() -> int:
        match next(steps, KeyError()):
            case Exception() as fault:
                raise fault
        return 1

    async def pause() -> None:
        raise AssertionError("there was always work")

    with caplog.at_level(logging.WARNING), pytest.raises(KeyError):
        asyncio.run(run_loop("tick", step, pause, meters=Meters(Layout((), (), ()))))
    assert [record.getMessage() for record in caplog.records] == [*["loop step failed"] * 2, "loop works again"]
