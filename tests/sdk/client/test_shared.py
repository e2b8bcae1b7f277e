"""Tasks that belong to no app, and modules that are found when a worker starts."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from headrace import App, AsyncTask, BoundTask, Task, current_app, shared_task
from headrace.shared import SHARED


@pytest.fixture(autouse=True)
def nothing_shared() -> Iterator[None]:
    before = dict(SHARED)
    yield
    SHARED.clear()
    SHARED.update(before)


def test_a_shared_task_is_a_task_of_every_app() -> None:
    early = App()

    @shared_task(name="lib.add", max_retries=4)
    def add(x: int, y: int) -> int:
        return x + y

    late = App()
    for app in (early, late):
        task = app.tasks["lib.add"]
        assert (type(task), task.app, task.options.max_retries, task.fn) == (Task, app, 4, add.fn)
    assert add(1, 2) == 3


def test_a_shared_task_is_sent_by_the_current_app() -> None:
    first, last = App(), App()
    first.conf.task_default_queue, last.conf.task_default_queue = "first", "last"

    @shared_task(bind=True)
    async def who(self: BoundTask) -> str | None:
        return self.app.conf.task_default_queue

    assert isinstance(who, AsyncTask)
    assert current_app() is last
    assert (who.queue, who.apply().get()) == ("last", "last")
    call = who.s()
    first.set_current()
    assert (current_app(), who.queue, call.app) == (first, "first", first)
    assert last.tasks[who.name].apply().get() == "last"


def test_an_apps_own_task_goes_before_a_shared_one() -> None:
    @shared_task(name="lib.same")
    def shared() -> str:
        return "shared"

    app = App()

    @app.task(name="lib.same")
    def own() -> str:
        return "own"

    assert app.tasks["lib.same"]() == "own"  # type: ignore[operator]
    assert App().tasks["lib.same"].run() == "shared"


def test_a_shared_name_is_taken_once_but_a_module_may_be_imported_anew() -> None:
    def one() -> None: ...

    def two() -> None: ...

    shared_task(name="lib.one")(one)
    shared_task(name="lib.one")(one)
    with pytest.raises(ValueError, match=r"a shared task 'lib\.one' already"):
        shared_task(name="lib.one")(two)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of packages; what is imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, module: str, task: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").touch()
    (folder / f"{module}.py").write_text(f"import headrace\n@headrace.shared_task(name={task!r})\ndef f(): ...\n")


def test_packages_are_searched_for_tasks_when_a_worker_starts(site: Path) -> None:
    write(site / "hr_shop", "tasks", "hr_shop.f")
    write(site / "hr_mail", "jobs", "hr_mail.f")
    write(site / "hr_imports", "some", "hr_imports.f")
    app = App(include=["hr_imports.some"])
    app.autodiscover_tasks(["hr_shop", "hr_mail"])
    app.autodiscover_tasks(lambda: ["hr_mail"], related_name="jobs")
    assert "hr_shop.f" not in app.tasks
    app.load_tasks()
    app.load_tasks()
    assert {"hr_shop.f", "hr_mail.f", "hr_imports.f"} <= set(app.tasks)


def test_packages_are_searched_at_once_where_that_is_wanted(site: Path) -> None:
    write(site / "hr_now", "tasks", "hr_now.f")
    app = App()
    app.autodiscover_tasks(["hr_now"], force=True)
    assert "hr_now.f" in app.tasks


def test_what_is_wrong_in_a_module_is_not_passed_over(site: Path) -> None:
    write(site / "hr_bad", "tasks", "hr_bad.f")
    (site / "hr_bad" / "tasks.py").write_text("import hr_not_there\n")
    app = App()
    app.autodiscover_tasks(["hr_bad"])
    with pytest.raises(ModuleNotFoundError, match="hr_not_there"):
        app.load_tasks()
    with pytest.raises(ModuleNotFoundError, match="hr_nowhere"):
        App().autodiscover_tasks(["hr_nowhere"], force=True)


def test_what_yields_and_what_is_a_class_is_no_task() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    async def later() -> AsyncIterator[int]:
        yield 1

    class Mail:
        """As tasks of Celery may be written."""

    app = App()
    for function in (numbers, later):
        with pytest.raises(TypeError, match="yields, and a task returns its result: return a list"):
            app.task(function)
    with pytest.raises(TypeError, match="is a class: write a function"):
        app.task(Mail)
    assert not app.tasks
