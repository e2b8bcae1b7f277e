"""The engine beside the oracle, step by step (G5 to G10, G12 to G18, G20, G21, G24).

The same stories come each time here; `HEADRACE_MODEL_EXAMPLES=5000 pytest tests/model -k beside` plays other ones, and
as many as wanted: run it after any change of a script.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import EngineBesideOracle
from tests.model.real import RealStage
from tests.support.stores import StoreProcess

EXAMPLES = int(os.environ.get("HEADRACE_MODEL_EXAMPLES") or 0)
PROFILE = settings(
    max_examples=EXAMPLES or 70,
    stateful_step_count=40,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    print_blob=False,
    phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],  # to shrink a failure takes minutes
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(0 if EXAMPLES else 300)
@pytest.mark.parametrize("shards", [1, 2])
def test_engine_beside_oracle(volatile_store: StoreProcess, shards: int) -> None:
    with volatile_store.client() as client:

        def open_stage(shards: int) -> RealStage:
            client.flushall("SYNC")
            return RealStage(volatile_store.url, client, shards=shards)

        run_state_machine_as_test(lambda: EngineBesideOracle(open_stage, shards), settings=PROFILE)
