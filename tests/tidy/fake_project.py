"""A project that installs in a second and without a network, to try run.py on: its backend lies in the project."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.tidy.tree import ROOT

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "headrace"
version = "0"
"""

BACKEND = '''\
"""Builds a wheel with one command, which prints its arguments; a file named `slow` makes it wait until that is gone."""

import time
import zipfile
from pathlib import Path

NAME = "headrace-0-py3-none-any.whl"
COMMAND = "import sys\\n\\n\\ndef main():\\n    print('headrace', *sys.argv[1:])\\n    return 7\\n"
METADATA = "Metadata-Version: 2.1\\nName: headrace\\nVersion: 0\\nProvides-Extra: server\\n"


def build_editable(folder, config_settings=None, metadata_directory=None):
    Path("building").touch()
    while Path("slow").exists():
        time.sleep(0.02)
    files = {
        "headrace_command.py": COMMAND,
        "headrace-0.dist-info/METADATA": METADATA,
        "headrace-0.dist-info/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        "headrace-0.dist-info/entry_points.txt": "[console_scripts]\\nheadrace = headrace_command:main\\n",
    }
    record = "".join(f"{name},,\\n" for name in [*files, "headrace-0.dist-info/RECORD"])
    with zipfile.ZipFile(Path(folder, NAME), "w") as wheel:
        for name, text in {**files, "headrace-0.dist-info/RECORD": record}.items():
            wheel.writestr(name, text)
    return NAME


build_wheel = build_editable
'''


class FakeProject:
    """A checkout with our run.py and nothing else of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        shutil.copy(ROOT / "run.py", folder)
        (folder / "pyproject.toml").write_text(PYPROJECT)
        (folder / "backend.py").write_text(BACKEND)
        (folder / "constraints.txt").write_text("# none\n")

    @property
    def slow(self) -> Path:
        """While this file exists, an install does not end."""
        return self.folder / "slow"

    @property
    def building(self) -> Path:
        """Exists once an install has begun to build."""
        return self.folder / "building"

    def change(self, name: str = "constraints.txt") -> None:
        """Change a file, so that the next start installs."""
        with (self.folder / name).open("a") as file:
            file.write("\n# changed\n")

    def start(self, *args: str, python: str = sys.executable) -> subprocess.Popen[str]:
        """Start run.py in a process group of its own."""
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "PYTHON"))}
        return subprocess.Popen(
            [python, str(self.folder / "run.py"), *args],
            env={**environ, "PIP_NO_INDEX": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *args: str) -> tuple[int, str, str]:
        """Run run.py to its end; return exit code, standard output and standard error."""
        process = self.start(*args)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err
