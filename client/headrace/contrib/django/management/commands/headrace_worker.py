"""`manage.py headrace_worker`: a worker for the tasks of the project, with all options of `headrace worker`."""

import os
import sys
from pathlib import Path
from typing import Any, Final, NoReturn

from django.core.management.base import BaseCommand, handle_default_options

_APP: Final = "headrace.contrib.django.worker:app"


class Command(BaseCommand):
    """Becomes `headrace worker`: the supervisor of a worker is a small program that does not load the project."""

    help = "Run the tasks of the project. All other options are those of `headrace worker`, see `headrace worker -h`."

    def run_from_argv(self, argv: list[str]) -> None:
        """Take the options of every command of Django (`--settings`, ...) and pass the others on."""
        options, flags = self.create_parser(argv[0], argv[1]).parse_known_args(argv[2:])
        handle_default_options(options)
        _become_worker(flags)

    def handle(self, *_: Any, **__: Any) -> None:
        """Run a worker without options, for `call_command`."""
        _become_worker([])


def _become_worker(flags: list[str]) -> NoReturn:
    """Replace this process, so that signals and exit codes are the worker's own."""
    sys.stdout.flush()
    argv = [sys.executable, "-m", "headrace", "worker", _APP, *flags]
    os.execve(sys.executable, argv, {**os.environ, "PYTHONPATH": os.pathsep.join(_project_paths())})


def _project_paths() -> list[str]:
    """Return where Python looks for modules here and would not look by itself: beside manage.py, `--pythonpath`."""
    installed = (Path(sys.prefix), Path(sys.base_prefix))
    return [path for path in sys.path if path and not any(Path(path).is_relative_to(prefix) for prefix in installed)]
