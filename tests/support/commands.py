"""The command `headrace` in this process, as a test types it."""

from collections.abc import Callable

import pytest
from headrace import cli

Run = Callable[..., tuple[int, str, str]]


def commands_of(url: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command line: `run("queue show", name)` gives exit code, stdout and stderr."""

    def run(words: str, *more: str) -> tuple[int, str, str]:
        code = cli.main([*words.split(), *more, "--url", url])
        out, err = capsys.readouterr()
        return code, out, err

    return run
