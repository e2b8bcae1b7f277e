"""Every piece of code in the README and the guides works as it stands there."""

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import Block, blocks
from tests.docs.reader import Reader
from tests.support.needs import missing
from tests.support.processes import Child
from tests.support.servers import HEADRACE, LISTENING, clean_env, end_store_of
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "docs/from-celery.md",
    ROOT / "docs/operations.md",
    *sorted((ROOT / "docs/guide").glob("*.md")),
    *sorted((ROOT / "docs/operations").glob("*.md")),
]
ROLES = {"run", "background", "expect", "given"}


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the server's store."""
    return tmp_path_factory.mktemp("up") / "data"


@pytest.fixture(scope="module")
def url(data_dir: Path) -> Iterator[str]:
    """The address of what `python3 run.py` starts: a server on its own store, with the demo worker."""
    folder = data_dir.parent
    env = clean_env({"HEADRACE_WEBHOOK_NETWORKS": "127.0.0.1/32"})  # as the page about webhooks wants it
    up = Child([str(HEADRACE), "up", "--port", "0", "--data-dir", str(data_dir)], folder / "up.log", env=env)
    try:
        found = eventually(lambda: LISTENING.search(up.tail()), 30, "`headrace up` listens")
        assert found
        yield found[1]
        assert up.terminate() == 0, up.tail()
    finally:
        up.end()
        end_store_of(data_dir)


@pytest.fixture
def reader(url: str, data_dir: Path, tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path, url, data_dir)
    yield reader
    reader.close()


def follow(reader: Reader, page: Path, needs: str = "") -> None:
    todo = [block for block in blocks(page) if block.needs == needs]
    for block, after in itertools.zip_longest(todo, todo[1:]):
        reader.follow(block)
        if block.role == "run" and reader.shown:
            assert after, f"{page.name}:{block.line} shows what the page does not: {reader.shown}"
            assert after.role == "expect", f"{page.name}:{block.line} shows what the page does not: {reader.shown}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_can_be_followed(page: Path, reader: Reader) -> None:
    follow(reader, page)


@pytest.mark.parametrize(
    ("page", "program"),
    sorted({(page, block.needs) for page in PAGES for block in blocks(page) if block.needs}),
    ids=lambda it: it.name if isinstance(it, Path) else it,
)
def test_what_a_page_says_with_another_program_can_be_followed(page: Path, program: str, reader: Reader) -> None:
    if not shutil.which(program):
        missing(f"{program} is not on PATH")
    follow(reader, page, program)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_says_what_it_is_for(page: Path) -> None:
    def is_clear(block: Block) -> bool:
        return bool(block.file) or block.role in ROLES

    assert [f"{page.name}:{block.line}" for block in blocks(page) if not is_clear(block)] == []


def test_the_readme_shows_a_result_python_and_node() -> None:
    readme = blocks(ROOT / "README.md")
    assert [b for b in readme if b.role == "run" and "curl" in b.text]
    assert {b.file for b in readme if b.file} == {"tasks.py", "worker.mjs", "producer.mjs"}
    assert len([b for b in readme if b.role == "expect"]) == 3
