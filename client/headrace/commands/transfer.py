"""Commands that carry jobs from one server to another, or into a file: export, import."""

import argparse
import base64
import contextlib
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from headrace.commands._common import OK, REFUSED, UsageError, add, say
from headrace.commands._progress import Progress
from headrace.commands.jobs import add_filter, filter_of
from headrace.errors import NotFound, ProblemError
from headrace.models import Job, JobSummary, NewJob, Raw, RetryPolicy

if TYPE_CHECKING:
    from headrace.cli import Commands
    from headrace.client import Client

_AT_ONCE: Final = 8  # requests
_BATCH: Final = 200  # jobs a request: what two scripts of the server take
_KEY: Final = "headrace-import-"  # of idempotency, before the id of the exported job
_INSTANTS: Final = ("run_at", "expires_at")
_TAKEN: Final = tuple(f.name for f in fields(NewJob) if f.name not in ("payload", "retry", "idempotency_key"))

_EXPORT: Final = """
examples:
  headrace export --queue mail --state scheduled,ready,retrying > mail.jsonl
  headrace export --state dead --finished-after 1d -f dead.jsonl

One job a line, whole: payload, options, result, error. Nothing is removed. A payload that JSON cannot write is in
payload_raw (base64) with its payload_type.
"""

_IMPORT: Final = """
examples:
  headrace import mail.jsonl --url http://new.example:8080
  headrace export --state dead --task mail.send | headrace import - --queue mail.retry

Every line becomes a new job: whatever its state was, it starts anew, at its run_at where that is still to come. Only
`task` must be there. A line that was exported is taken once within 24 hours, so an import that was cut off can be
repeated. Lines that are refused are told, and the others are taken.
"""


def register(commands: "Commands") -> None:
    """Add the commands."""
    export = add(commands, "export", export_jobs, "write jobs into a file, one a line", _EXPORT)
    export.add_argument("-f", "--file", default="-", metavar="FILE", help="where to (default: standard output)")
    export.add_argument("--limit", type=int, default=0, metavar="N", help="so many at most (default: all)")
    add_filter(export)
    load = add(commands, "import", import_jobs, "enqueue jobs from a file, one a line", _IMPORT)
    load.add_argument("file", metavar="FILE", help="what `headrace export` wrote; - reads standard input")
    load.add_argument("--queue", metavar="NAME", help="put all of them there")


def export_jobs(client: "Client", args: argparse.Namespace) -> int:
    """Write jobs, one a line."""
    found = islice(client.iter_jobs(**filter_of(client, args)), args.limit or None)
    with _opened(args.file, "w") as out, ThreadPoolExecutor(_AT_ONCE) as pool, Progress("export") as progress:
        while some := list(islice(found, _BATCH)):
            for job in progress.over(pool.map(partial(_whole, client), some)):
                if job is not None:
                    out.write(json.dumps(job, ensure_ascii=False) + "\n")
    return OK


def import_jobs(client: "Client", args: argparse.Namespace) -> int:
    """Enqueue what the lines of a file say."""
    taken = refused = 0
    with _opened(args.file, "r") as source, Progress("import") as progress:
        lines = _new_jobs(source, args.queue)
        while some := list(islice(lines, _BATCH)):
            answer = client.enqueue_batch([job for _, job in some], atomic=False)
            for (number, _), item in zip(some, answer.items, strict=True):
                if isinstance(item, ProblemError):
                    refused += 1
                    sys.stderr.write(f"headrace: line {number}: {item}\n")
                else:
                    taken += 1
            progress.add(len(some))
    say(json.dumps({"taken": taken, "refused": refused}) if args.output != "table" else _told(taken, refused))
    return REFUSED if refused else OK


def _told(taken: int, refused: int) -> str:
    return f"{taken} jobs are there" + (f", {refused} lines were refused" if refused else "")


def _whole(client: "Client", job: JobSummary) -> dict[str, Any] | None:
    """Return all of a job as a document; None for one that is gone meanwhile."""
    from headrace import _text

    try:
        whole: Job = client.get(job.id)
        document: dict[str, Any] = _text.document(whole)
        if isinstance(whole.payload, Raw) or '"$bin"' in json.dumps(document["payload"]):
            raw = client.payload_bytes(job.id)
            del document["payload"]
            document |= {"payload_raw": base64.b64encode(raw.data).decode(), "payload_type": raw.media_type}
    except NotFound:
        return None
    return document


def _new_jobs(source: IO[str], queue: str | None) -> Iterator[tuple[int, NewJob]]:
    """Yield the lines as jobs, with their numbers. Raises UsageError for the first one that is none."""
    for number, line in enumerate(source, 1):
        if line.strip():
            try:
                yield number, _new_job(json.loads(line), queue)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise UsageError(f"line {number} is no job ({error}); the lines before it are there") from None


def _new_job(document: dict[str, Any], queue: str | None) -> NewJob:
    if "task" not in document:
        raise ValueError("it names no task")
    given = {name: document[name] for name in _TAKEN if name in document}
    for name in _INSTANTS:
        if name in given:
            given[name] = datetime.fromisoformat(given[name])
    if "payload_raw" in document:
        given["payload"] = Raw(base64.b64decode(document["payload_raw"]), document["payload_type"])
    elif "payload" in document:
        given["payload"] = document["payload"]
    if "max_attempts" in document:
        given["retry"] = RetryPolicy(max_attempts=document["max_attempts"])
    if "id" in document:
        given["idempotency_key"] = _KEY + str(document["id"])
    return NewJob(**{**given, **({} if queue is None else {"queue": queue})})


def _opened(path: str, mode: str) -> contextlib.AbstractContextManager[IO[str]]:
    if path == "-":
        return contextlib.nullcontext(sys.stdin if mode == "r" else sys.stdout)
    try:
        return Path(path).open(mode, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be opened: {error.strerror}") from None
