"""The Python worker of the example, for the same jobs as worker.mjs.

headrace worker worker:app
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any

from headrace import App

app = App()
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@app.task(name="codestats.count", queue="codestats")
def count(path: str) -> dict[str, Any]:
    """Return lines, bytes and the ten commonest names of a file.

    A name is a match of NAME in the file read as Latin-1; a line ends with a newline; the commoner name is first, of
    two that are equally common the one sorted first.
    """
    text = Path(path).read_bytes().decode("latin-1")
    counts = Counter(NAME.findall(text))
    names = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:10]
    return {"lines": text.count("\n"), "bytes": len(text), "names": names}
