"""Turns Lua files that read like scripts into a library, whose functions are made once; it must not know verbs.

A script makes all its functions anew at each call: with the dozen files that a verb stands on, that costs more than a
call with one job. A library (FUNCTION LOAD) makes them once. The files keep the form of a script, top to bottom; what
stands at the left margin is sorted here:

    local function f() ..       made once
    local NAME = 'text'         a constant (capitals, written out, nothing called): made once
    anything else               done at each call, in order; its local names are shared by all functions
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

_WORD: Final = re.compile(r"\w+")
_SAID: Final = re.compile(r"'[^'\n]*'|--.*")  # texts and comments: no name in them means anything
_CONTINUES: Final = re.compile(r"[ )}]|end\b|else")
_FUNCTION: Final = re.compile(r"local function (\w+)")
_METHOD: Final = re.compile(r"function [A-Z]\w*\.")
_LOCAL: Final = re.compile(r"local (?P<names>\w+(?:, \w+)*)(?P<value> =)?")
_CONSTANT: Final = re.compile(
    r"local [A-Z][A-Z_]*(?:, [A-Z][A-Z_]*)* = (?!.*(?:\w\(|\b(?:KEYS|ARGV|P|now|meta)\b))", re.DOTALL
)


# A function finds what is shared by its library faster than a global name: a twentieth of a call is spent on that. They
# are taken at each call: while a library is loaded, the store shows it other ones.
_GLOBALS: Final = "redis, string, math, table, tonumber, ipairs, pairs, unpack"


class _File(msgspec.Struct, frozen=True):
    names: list[str]  # that its functions share
    state: list[str]  # those of them that each call sets anew
    once: list[str]
    each_call: list[str]


def assemble(function: str, flags: str, defaults: str, files: Sequence[str]) -> str:
    """Return the text for FUNCTION LOAD of a library with this one function; the last file is its verb.

    `flags` as in a script's shebang, separated by commas; `defaults` is a line that declares constants.
    """
    quoted = ", ".join(f"'{flag}'" for flag in flags.split(",") if flag)
    register = f"register{{function_name = '{function}', callback = run, flags = {{{quoted}}}}}"
    top = [f"#!lua name={function}", "local register = redis.register_function", "local KEYS, ARGV"]
    return "\n".join([*top, _body(defaults, files), register])


def assemble_script(flags: str, defaults: str, files: Sequence[str]) -> str:
    """Return the same for EVAL: where a store takes no functions."""
    shebang = f"#!lua flags={flags}" if flags else "#!lua"
    return "\n".join([shebang, "local KEYS, ARGV = KEYS, ARGV", _body(defaults, files), "return run(KEYS, ARGV)"])


def _body(defaults: str, files: Sequence[str]) -> str:
    found = [_sort(text) for text in files]
    words = [set(_WORD.findall(_SAID.sub("", text))) for text in files]
    begins = [f"begin.part_{number}" for number in range(len(found))]  # in one table: a text may have 200 names at once
    lines = [
        f"local function globals() return {_GLOBALS} end",
        f"local {_GLOBALS}",
        defaults,
        "local begin, let_go = {}",
    ]
    for number, file in enumerate(found):
        others = set[str]().union(*(words[:number] + words[number + 1 :]))
        # names that no other file knows end with their block, as there may be 200 at once
        lines += [f"local {name}" for name in file.names if name in others]
        lines += ["do", *(f"local {name}" for name in file.names if name not in others), *file.once]
        # and a function may look at 60 from outside, so each file begins by itself
        lines += [f"function {begins[number]}()", *file.each_call, "end"]
        if file is found[-1]:
            # what the call was asked and has found may be megabytes, and would be kept until the verb's next call
            lines.append(f"function let_go() {', '.join(['KEYS', 'ARGV', *file.state])} = nil end")
        lines.append("end")
    lines += ["local function run(keys, args)", "KEYS, ARGV = keys, args", f"{_GLOBALS} = globals()"]
    lines += [f"local early = {begin}() if early then return early end" for begin in begins[:-1]]
    return "\n".join([*lines, f"local answer = {begins[-1]}()", "let_go()", "return answer", "end"])


def _sort(text: str) -> _File:
    """Take a file apart at its left margin."""
    file = _File([], [], [], [])
    for chunk in _chunks(text):
        if function := _FUNCTION.match(chunk):
            file.names.append(function[1])
            file.once.append(chunk.removeprefix("local "))
        elif _METHOD.match(chunk):
            file.once.append(chunk)
        elif declared := _LOCAL.match(chunk):
            names = declared["names"].split(", ")
            file.names.extend(names)
            assigned = chunk.removeprefix("local ") if declared["value"] else declared["names"] + " = nil"
            if _CONSTANT.match(chunk):
                file.once.append(assigned)
            else:
                file.state.extend(names)
                file.each_call.append(assigned)
        else:
            file.each_call.append(chunk)
    return file


def _chunks(text: str) -> Iterator[str]:
    """Yield the statements that start at the left margin, each with its further lines."""
    chunk: list[str] = []
    for line in text.splitlines():
        if not line or line.startswith("--"):
            continue
        if chunk and not _CONTINUES.match(line):
            yield "\n".join(chunk)
            chunk = []
        chunk.append(line)
    if chunk:
        yield "\n".join(chunk)
