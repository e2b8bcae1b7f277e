"""Every link in the documentation leads somewhere."""

import re
from pathlib import Path

import pytest

from tests.tidy.tree import ROOT, files, name, text

LINK = re.compile(r"(?<!\!)\[[^\]\n]+\]\(([^)\s]+)\)")
OUTSIDE = re.compile(r"^(https?|mailto):")
PAGES = files(".md")
ABOUT_TESTS = ("tests/", "bench/")  # these explain themselves to whoever is there already


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_resolves(page: Path) -> None:
    inside = [link for link in LINK.findall(prose(page)) if not OUTSIDE.match(link)]
    assert [link for link in inside if not resolves(page, link)] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    todo = [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen:
            continue
        seen.add(page)
        targets = [link.partition("#")[0] for link in LINK.findall(prose(page)) if not OUTSIDE.match(link)]
        found = [(page.parent / target).resolve() for target in targets if target]
        todo += [path for path in found if path.suffix == ".md"]
        todo += [path for folder in found if folder.is_dir() for path in PAGES if path.is_relative_to(folder)]
    assert [name(page) for page in PAGES if page not in seen and not name(page).startswith(ABOUT_TESTS)] == []


def resolves(page: Path, link: str) -> bool:
    file, _, anchor = link.partition("#")
    target = (page.parent / file).resolve() if file else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings get."""
    headings = re.findall(r"^#+ +(.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", text(page), flags=re.MULTILINE | re.DOTALL)
