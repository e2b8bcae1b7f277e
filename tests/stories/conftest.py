"""The stage for stories: the real engine over both kinds of store."""

from collections.abc import Iterator

import pytest

from tests.model.real import RealStage
from tests.support.stores import StoreProcess


@pytest.fixture
def real_stage(store: StoreProcess) -> Iterator[RealStage]:
    """The real engine over an empty store, under a clock that the story moves; once per kind of store."""
    with store.client() as client:
        stage = RealStage(store.url, client)
        yield stage
        stage.close()
