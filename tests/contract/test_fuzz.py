"""Schemathesis against a running server: no 5xx, no status, type, header or body that the document does not know."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.contract import CONTRACT, operations
from tests.support.needs import missing
from tests.support.servers import ServerProcess, clean_env

HERE = Path(__file__).parent
MAX_TIME_S = 80
COMMAND = Path(sys.executable).parent / "st"


@pytest.mark.fuzz
@pytest.mark.timeout(2 * MAX_TIME_S)
def test_generated_requests_get_documented_answers(shared_server: ServerProcess, tmp_path: Path) -> None:
    if not COMMAND.exists():
        missing("schemathesis is not installed (extra `fuzz`)")
    env = {
        "SCHEMATHESIS_HOOKS": "tests.contract.fuzz_rules",
        "PYTHONPATH": str(CONTRACT.parent),
        "FUZZED_URL": shared_server.url,
    }
    config = ["--config-file", str(HERE / "schemathesis.toml")]
    run = ["run", str(CONTRACT), "--url", shared_server.url, "--max-time", str(MAX_TIME_S), "--no-color"]
    done = subprocess.run(
        [COMMAND, *config, *run],
        check=False,
        cwd=tmp_path,
        env=clean_env(env),
        capture_output=True,
        text=True,
        timeout=2 * MAX_TIME_S,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    assert operations_tried(done.stdout) == len(operations()), done.stdout
    assert "fault of the server" not in shared_server.output()


def operations_tried(told: str) -> int:
    """Return how many operations a run has tried."""
    found = re.search(r"Tested: (\d+)", told)
    assert found, told
    return int(found[1])
