"""Every setting is documented, says its unit, and is read in one place."""

import ast
import dataclasses
import re

from headrace_server.config import Settings

from tests.tidy.settings_page import PAGE, page
from tests.tidy.tree import PACKAGES, files, name, text, tree

MAY_READ = ("server/headrace_server/config.py", "server/headrace_server/cli/")  # a command hands it to config


def test_the_page_of_the_settings_is_up_to_date() -> None:
    assert text(PAGE) == page(), "run `make docs`"


def test_every_meaning_is_a_sentence() -> None:
    meanings = {field.name: field.metadata["meaning"] for field in dataclasses.fields(Settings)}
    assert {key: meaning for key, meaning in meanings.items() if not re.search(r"[\w)]\.$", meaning)} == {}


def test_every_duration_and_size_says_its_unit() -> None:
    units = {"_ms": "milliseconds", "_bytes": "bytes"}
    silent = [
        field.name
        for field in dataclasses.fields(Settings)
        for suffix, word in units.items()
        if field.name.endswith(suffix) and word not in field.metadata["meaning"]
    ]
    assert silent == []


def test_every_setting_is_used() -> None:
    code = "\n".join(text(path) for path in files(".py") if path.is_relative_to(PACKAGES["headrace_server"]))
    unused = [f.name for f in dataclasses.fields(Settings) if not re.search(rf"\.{f.name}\b", code)]
    assert unused == []


def test_the_environment_of_the_server_is_read_in_one_place() -> None:
    readers = {
        name(path)
        for path in files(".py")
        if path.is_relative_to(PACKAGES["headrace_server"])
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.environ", "os.getenv"}
    }
    assert [reader for reader in readers if not reader.startswith(MAY_READ)] == []
