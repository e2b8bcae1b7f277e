#!/usr/bin/env python3
"""Collect the results of the jobs whose ids come on standard input, over HTTP alone, and print a table.

./producer.sh | python3 reporter.py
"""

import http.client
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

WAIT_S = 30


def main() -> int:
    """Print the table; the exit code is 1 when a job failed."""
    jobs = list(finished(line.strip() for line in sys.stdin if line.strip()))
    succeeded = [job for job in jobs if job["state"] == "succeeded"]
    print_totals(succeeded)
    print_largest(succeeded)
    for job in jobs:
        if job["state"] != "succeeded":
            print(f"{job['id']} is {job['state']}: {job.get('error') or job.get('reason')}", file=sys.stderr)
    return 0 if len(succeeded) == len(jobs) else 1


def finished(ids: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield each job once it has ended, whoever finished first."""
    url = urlsplit(os.environ.get("HEADRACE_URL", "http://127.0.0.1:8080"))
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "127.0.0.1", url.port)
    headers = {"Prefer": f"wait={WAIT_S}"}
    if token := os.environ.get("HEADRACE_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    for job_id in ids:
        job: dict[str, Any] = {}
        while job.get("state") not in {"succeeded", "dead", "cancelled"}:
            connection.request("GET", f"/v1/jobs/{job_id}", headers=headers)
            response = connection.getresponse()
            job = json.load(response)
            if response.status != http.HTTPStatus.OK:
                sys.exit(f"{job_id}: {job.get('detail')}")
        yield job


def print_totals(jobs: list[dict[str, Any]]) -> None:
    """Print what all files have together, and who counted them."""
    lines, size = (sum(job["result"][field] for job in jobs) for field in ("lines", "bytes"))
    print(f"{len(jobs):,} files, {lines:,} lines, {size:,} bytes\n")
    for worker, count in Counter(job["worker"] for job in jobs).most_common():
        print(f"{count:9,} files counted by {worker}")


def print_largest(jobs: list[dict[str, Any]], rows: int = 20) -> None:
    """Print the largest files and their commonest names."""
    print(f"\n{'lines':>9} {'bytes':>11}  {'file':40} commonest names")
    for job in sorted(jobs, key=lambda job: -job["result"]["bytes"])[:rows]:
        result, path = job["result"], job["payload"]["path"]
        names = ", ".join(f"{name} {count}" for name, count in result["names"][:3])
        print(f"{result['lines']:9,} {result['bytes']:11,}  {path[-40:]:40} {names}")


if __name__ == "__main__":
    sys.exit(main())
