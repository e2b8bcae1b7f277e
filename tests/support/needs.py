"""What a test needs from the machine: missing is a skip with its reason at home, and a failure where CI=true."""

import os
from typing import NoReturn

import pytest


def missing(reason: str) -> NoReturn:
    """Skip the running test, or fail it where CI=true: a runner that lacks something must not look green."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"needed on CI: {reason}", pytrace=False)
    pytest.skip(reason)
