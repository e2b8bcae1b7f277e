"""`module:app` that leads nowhere, to something else, or to a module that fails; and which queues an app has."""

from collections.abc import Callable
from pathlib import Path

import pytest
from headrace import App, loading
from headrace_worker.crew import PoolSettings
from headrace_worker.hands import AppFailed, Hands
from headrace_worker.inline import InlineHands
from headrace_worker.parts import Misconfigured, queues_of
from headrace_worker.pool import Pool

from tests.sdk.worker.listening import Notes

pytestmark = pytest.mark.anyio


@pytest.fixture
async def notes() -> Notes:
    return Notes()


@pytest.mark.parametrize(
    ("app", "words"),
    [
        ("tests.sdk.worker.apps", "write module:app"),
        ("no_such_module:app", "there is no module 'no_such_module'"),
        ("tests.sdk.worker.no_such:app", "there is no module 'tests.sdk.worker.no_such'"),
        ("tests.sdk.worker.apps:nothing", "has no 'nothing'; it has the apps app"),
        ("tests.sdk.worker.apps:Path", "is a type, not a headrace.App"),
    ],
)
@pytest.mark.parametrize(
    "make",
    [
        lambda app: Pool(PoolSettings(app=app, threads=1)),
        lambda app: InlineHands(lambda: loading.load(app), 1),
    ],
)
async def test_a_wrong_path_is_told_in_words(notes: Notes, make: Callable[[str], Hands], app: str, words: str) -> None:
    hands = make(app)
    with pytest.raises(AppFailed) as caught:
        await hands.start(notes)
    assert words in str(caught.value)
    await hands.end()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nowhere_at_all", "No module named 'nowhere_at_all'"),
        ("raise SystemExit('not today')", "not today"),
        ("import os; os._exit(7)", "exit status 7"),
        ("1 / 0", '(most recent call last):\n  File "{folder}/broken_app.py", line 1, in <module>\n'),
        ("def (", 'cannot be imported:\n  File "{folder}/broken_app.py", line 1\n    def (\n'),
    ],
)
async def test_a_module_that_fails_shows_its_own_error(
    notes: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    (tmp_path / "broken_app.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    hands = Pool(PoolSettings(app="broken_app:app", threads=1))
    with pytest.raises(AppFailed) as caught:
        await hands.start(notes)
    assert words.format(folder=tmp_path) in str(caught.value)
    await hands.end()


@pytest.mark.parametrize(
    ("text", "words"), [("raise SystemExit('not today')", "not today"), ("1 / 0", "ZeroDivisionError")]
)
async def test_a_module_that_fails_in_the_workers_own_process_is_the_same(
    notes: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    (tmp_path / "broken_here.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    hands = InlineHands(lambda: loading.load("broken_here:app"), 1)
    with pytest.raises(AppFailed) as caught:
        await hands.start(notes)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("tasks", "chosen", "exclude", "queues"),
    [
        (["b", "a", "b"], (), (), ("b", "a")),  # in the order of the tasks
        (["b", "a"], ("c", "b"), (), ("c", "b")),
        (["b", "a"], ("c", "b"), ("c",), ("b",)),
        (["b", "a"], (), ("b", "elsewhere"), ("a",)),
        ([], (), (), ("default",)),
    ],
)
async def test_a_worker_serves_the_queues_of_its_tasks_unless_told_otherwise(
    notes: Notes, tasks: list[str], chosen: tuple[str, ...], exclude: tuple[str, ...], queues: tuple[str, ...]
) -> None:
    hands = await with_tasks_on(notes, tasks)
    assert queues_of(hands, chosen, exclude) == queues
    await hands.end()


@pytest.mark.parametrize(
    ("tasks", "exclude", "words"),
    [
        (["a", "b"], ("b", "a"), "--exclude leaves none of the queues a, b"),
        ([f"q{n}" for n in range(65)], (), "on 65 queues, and a worker serves at most 64: choose some with --queues"),
    ],
)
async def test_queues_that_no_worker_can_serve_are_told_in_words(
    notes: Notes, tasks: list[str], exclude: tuple[str, ...], words: str
) -> None:
    hands = await with_tasks_on(notes, tasks)
    with pytest.raises(Misconfigured, match=words):
        queues_of(hands, (), exclude)
    await hands.end()


async def with_tasks_on(notes: Notes, queues: list[str]) -> Hands:
    """Return hands that run a task for each queue."""
    app = App()
    for number, queue in enumerate(queues):
        app.task(name=f"task-{number}", queue=queue)(lambda: None)
    hands = InlineHands(lambda: app, 1)
    await hands.start(notes)
    return hands
