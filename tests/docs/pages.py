"""The fenced blocks of a page, and what each is for; the second word behind the fence says it.

    ```python file=tasks.py     a file that the reader writes
    ```sh run                   typed into the reader's terminal, one after the other; must succeed
    ```sh background            typed into another terminal, where it goes on
    ```json expect              what the last command shows, at least these fields; `text expect`: these very lines;
                                `...` stands for what is different each time
    ```sh given                 what has been done before (the server runs)

A third word names a program that it needs: `node`, `promtool`, `amtool`; files in JavaScript need Node anyway.
"""

import re
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\S*) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str
    role: str  # run, background, expect, given, or file=NAME
    needs: str  # a program that not every machine has; empty for none
    text: str
    line: int

    @property
    def file(self) -> str:
        """The name of the file that this is; empty for anything else."""
        return self.role.removeprefix("file=") if self.role.startswith("file=") else ""


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page from top to bottom; an expectation needs what the command before it does."""
    text = page.read_text()
    found: list[Block] = []
    for match in FENCE.finditer(text):
        words = match[2].split()
        role = words[0] if words else ""
        needs = words[1] if words[1:] else "node" if match[1] == "js" else found[-1].needs if role == "expect" else ""
        found.append(Block(match[1], role, needs, match[3], text.count("\n", 0, match.start()) + 1))
    return found
