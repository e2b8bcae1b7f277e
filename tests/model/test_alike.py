"""Stories whose lines make several jobs at once are the same where these jobs come as alike."""

import re
from pathlib import Path

import pytest

from tests.model.real import RealStage
from tests.stories.language import read, stories
from tests.stories.player import Player
from tests.support.stores import StoreProcess

_SEVERAL = re.compile(r"^t=\S+ +enqueue +\w+ +\w+ ", re.MULTILINE)


@pytest.mark.parametrize("path", [p for p in stories() if _SEVERAL.search(p.read_text())], ids=lambda p: p.stem)
def test_story_of_jobs_that_are_alike(path: Path, volatile_store: StoreProcess) -> None:
    with volatile_store.client() as client:
        client.flushall("SYNC")
        stage = RealStage(volatile_store.url, client)
        try:
            Player(read(path), stage, alike=True).play()
            assert stage.findings() == []
        finally:
            stage.close()
