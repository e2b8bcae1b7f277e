"""What an app is set to: `app.conf`, one table of settings, named as in Celery wherever Celery has them.

A setting is an attribute and an item: `app.conf.task_default_queue`, `app.conf["task_default_queue"]`. A name that does
not exist is an error that names the nearest, because a misspelt setting would be silently without effect. This module
must not know apps.
"""

import difflib
import importlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import tzinfo
from fnmatch import fnmatchcase
from types import MappingProxyType, ModuleType
from typing import Any, Final, TypeAlias

from headrace.durations import Seconds
from headrace.entries import read_entries
from headrace.options import TaskOptions, rate_of, task_options
from headrace.timings import zone_name

Options: TypeAlias = Mapping[str, Any]
Routes: TypeAlias = Mapping[str, str | Options] | Sequence[tuple[str, str | Options]]


@dataclass(kw_only=True)
class Settings:
    """Every setting with its default. Times are seconds or timedeltas; None: as the server does it."""

    url: str | Sequence[str] | None = None  # of the server, or of several; None: HEADRACE_URL, else 127.0.0.1:8080
    token: str | None = None  # None: HEADRACE_TOKEN, else none
    task_default_queue: str | None = None  # of tasks that name none; None: "default"
    task_default_priority: int | None = None  # of tasks that name none, 0..255
    task_default_rate_limit: str | float | None = None  # of each task that names none: "10/m"
    task_routes: Routes | None = None  # task name (with `*`) -> queue, or options; of tasks that name none
    task_annotations: Mapping[str, Options] | None = None  # task name (or `*`) -> options over those of the code
    task_serializer: str = "json"  # of arguments: json, msgpack, pickle, or one that was registered
    result_serializer: str = "json"  # of results
    accept_content: Sequence[str] | None = None  # serializers that may be read; None: all but pickle
    task_ignore_result: bool = False  # True: results are not stored
    result_expires: Seconds | None = None  # how long results are kept
    task_time_limit: Seconds | None = None  # of tasks that name none: the worker kills a longer run
    task_soft_time_limit: Seconds | None = None  # of tasks that name none: an exception in a longer run
    task_always_eager: bool = False  # True: calls run here and now, without a server: for tests
    task_eager_propagates: bool = False  # True: an eager call raises what its task raised, where it is made
    timezone: str | tzinfo | None = None  # of crontabs that name none; None: UTC
    beat_schedule: Mapping[str, Options] | None = None  # name -> task, schedule, args, ...: what comes by itself
    beat_owner: str | None = None  # whose schedules these are; None: the app's name
    beat_apply: bool = True  # False: workers leave schedules to `headrace schedules apply`
    imports: Sequence[str] = ()  # modules with tasks, imported when a worker starts
    include: Sequence[str] = ()  # more of them


# Settings of Celery that need another word here, or none.
_ELSEWHERE: Final[Mapping[str, str]] = {
    "broker_url": "set url: App('http://127.0.0.1:8080'), or HEADRACE_URL",
    "result_backend": "set url: results are with the server, too",
    "task_store_eager_result": "eager results stay with their EagerResult",
    "enable_utc": "instants are aware datetimes, and travel in UTC",
    "task_acks_late": "a job is acknowledged after it ran, always",
    "task_reject_on_worker_lost": "a job whose worker died is always tried again (max_crashes of a task)",
    "task_track_started": "a job that runs is always in state leased",
    "task_queues": "queues are made by their first job; settings of queues are the server's: headrace queues",
    "task_create_missing_queues": "queues are made by their first job",
    "task_queue_max_priority": "every queue has priorities from 0 to 255",
    "task_publish_retry": "the client is patient: App(retry=Patience(...))",
    "worker_concurrency": "start the worker with --threads and --processes",
    "worker_prefetch_multiplier": "the worker leases what it can start soon, and gives the rest back",
    "worker_max_tasks_per_child": "start the worker with --max-tasks-per-child",
    "worker_max_memory_per_child": "start the worker with --max-memory-per-child",
    "worker_send_task_events": "the server always knows: headrace tail",
    "beat_scheduler": "the server fires schedules: there is no beat to run",
    "beat_schedule_filename": "the server keeps the places of schedules",
    "beat_sync_every": "the server keeps the places of schedules",
    "beat_max_loop_interval": "the server knows when the next slot comes",
    "beat_cron_starting_deadline": "catch_up of an entry says what becomes of slots that passed",
}
_FAMILIES: Final = ("task_", "result_", "worker_", "broker_", "beat_", "event_", "control_", "redis_")


class Conf(Settings):
    """The settings of one app, checked as they come; `version` grows with every change."""

    version: int = 0

    def __setattr__(self, name: str, value: Any) -> None:
        _check(name, value)
        object.__setattr__(self, name, _frozen(value))
        object.__setattr__(self, "version", self.version + 1)

    def __getitem__(self, name: str) -> Any:
        _check(name)
        return getattr(self, name)

    def __setitem__(self, name: str, value: Any) -> None:
        setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:  # of what does not exist only
        raise AttributeError(_unknown(name))

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def update(self, settings: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Set many at once: all or, where one of the names or values is wrong, none.

        Raises AttributeError for an unknown name, TypeError or ValueError for a value that cannot be.
        """
        wanted = {**(settings or {}), **more}
        for name, value in wanted.items():
            _check(name, value)
        for name, value in wanted.items():
            setattr(self, name, value)

    def from_object(self, source: Any, *, namespace: str | None = None) -> None:
        """Set what a module, a class, an object or a mapping says; `source` may be its name ("shop.settings:Tasks").

        With `namespace="HEADRACE"` the settings are called HEADRACE_TASK_DEFAULT_QUEUE, and all else is left alone.
        Without one, names that look like no setting are left alone; what looks like a misspelt one is an error.
        Raises what `update` raises.
        """
        found = _followed(source) if isinstance(source, str) else source
        given = dict(found) if isinstance(found, Mapping) else {name: getattr(found, name) for name in dir(found)}
        if namespace is not None:
            prefix = namespace.rstrip("_").upper() + "_"
            self.update({name[len(prefix) :].lower(): given[name] for name in given if name.startswith(prefix)})
        elif isinstance(found, Mapping):
            self.update(given)
        else:
            self.update({name: value for name, value in given.items() if _is_meant(name, value)})

    def options_of(self, name: str, options: TaskOptions) -> TaskOptions:
        """Return the options of a task, with annotations over them and, below, its route and the defaults."""
        given = {**options.given(), **self._annotated(name)}
        defaults = {
            "queue": self.task_default_queue,
            "priority": self.task_default_priority,
            "rate_limit": self.task_default_rate_limit,
            "ignore_result": self.task_ignore_result or None,
            "result_ttl": self.result_expires,
            "serializer": self.task_serializer,
            "time_limit": self.task_time_limit,
            "soft_time_limit": self.task_soft_time_limit,
        }
        return TaskOptions(**{**defaults, **route_of(self.task_routes, name), **given})

    def _annotated(self, name: str) -> Options:
        annotations = self.task_annotations or {}
        return {**annotations.get("*", {}), **annotations.get(name, {})}


NAMES: Final = tuple(field.name for field in fields(Settings))


def route_of(routes: Routes | None, name: str) -> dict[str, Any]:
    """Return the options of the first route whose pattern fits a task's name; a mapping goes by the longest pattern."""
    if routes is None:
        return {}
    pairs = sorted(routes.items(), key=lambda pair: -len(pair[0])) if isinstance(routes, Mapping) else routes
    for pattern, route in pairs:
        if fnmatchcase(name, pattern):
            return {"queue": route} if isinstance(route, str) else dict(route)
    return {}


def _check(name: str, value: Any = None) -> None:
    if name not in NAMES:
        raise AttributeError(_unknown(name))
    if value is None:
        return
    if name == "task_default_rate_limit":
        rate_of(value)
    if name == "task_annotations":
        for options in value.values():
            task_options(options)
    if name == "task_routes":
        for _, route in value.items() if isinstance(value, Mapping) else value:
            task_options({} if isinstance(route, str) else route)
    if name == "timezone":
        zone_name(value)
    if name == "beat_schedule":
        read_entries(value)


def _frozen(value: Any) -> Any:
    """Return a value that is not changed in place: tasks would not hear of it."""
    if isinstance(value, Mapping):
        return MappingProxyType(dict(value))
    return tuple(value) if isinstance(value, list) else value


def _unknown(name: str) -> str:
    if name in _ELSEWHERE:
        return f"{name} is no setting of Headrace; {_ELSEWHERE[name]}"
    near = difflib.get_close_matches(name, NAMES, n=1, cutoff=0.0 if name.startswith(_FAMILIES) else 0.4)
    return f"there is no setting {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")


def _is_meant(name: str, value: Any) -> bool:
    """Whether a name of a module or class is a setting, or was meant to be one."""
    if name in NAMES:
        return True
    return name.startswith(_FAMILIES) and not callable(value) and not isinstance(value, ModuleType)


def _followed(path: str) -> Any:
    module, _, attribute = path.partition(":")
    found: Any = importlib.import_module(module)
    for part in attribute.split(".") if attribute else ():
        found = getattr(found, part)
    return found
