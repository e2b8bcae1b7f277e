"""Documents for people and tools: the contract as YAML and JSON, the page that browses it, a page for every problem.

All of them are open (no token) and self-contained: no page asks for anything from elsewhere.
"""

import html
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Template
from textwrap import fill
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headrace_server.api.meanings import MEANINGS
from headrace_server.api.problems import KINDS, Kind, Problem

STATIC: Final = Path(__file__).parent / "static"
_PACKAGE: Final = Path(__file__).parents[1]
_JAVASCRIPT: Final = "text/javascript; charset=utf-8"
_CSS: Final = "text/css; charset=utf-8"
FILES: Final[Mapping[str, tuple[str, str]]] = {
    "swagger-ui-bundle.js": ("swagger-ui/swagger-ui-bundle.js", _JAVASCRIPT),
    "swagger-ui.css": ("swagger-ui/swagger-ui.css", _CSS),
    "docs.js": ("docs.js", _JAVASCRIPT),
    "pages.css": ("pages.css", _CSS),
}
SECURITY: Final = {
    # Swagger UI draws its icons from data: URLs; everything else comes from this server or not at all.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
TEXT_COLUMNS: Final = 78
OUTCOMES: Final = {
    "not_done": "The request changed nothing.",
    "unknown": "The request may or may not have been carried out.",
}


def find_contract(package: Path = _PACKAGE) -> Path:
    """Return where openapi.yaml lies: in the package, where a wheel puts it, else at the root of the repository."""
    inside = package / "openapi.yaml"
    return inside if inside.exists() else package.parents[1] / "openapi.yaml"


@cache
def contract_yaml() -> bytes:
    """Return the contract as it was written."""
    return find_contract().read_bytes()


@cache
def contract_json() -> bytes:
    """Return the contract as JSON."""
    import yaml  # only who asks pays for it, not the start of every server

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where it was built: 20 ms instead of 300
    document = yaml.load(contract_yaml(), Loader=loader)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


# The handlers are plain functions: Starlette runs them on a thread, so that parsing and reading files stop nobody.


def get_openapi_yaml(_: Request) -> Response:
    """Answer GET /openapi.yaml."""
    return _answer(contract_yaml(), "application/yaml")


def get_openapi_json(_: Request) -> Response:
    """Answer GET /openapi.json."""
    return _answer(contract_json(), "application/json")


def get_docs(_: Request) -> Response:
    """Answer GET /docs."""
    return _answer(_read("docs.html"), "text/html; charset=utf-8")


def get_docs_file(request: Request) -> Response:
    """Answer GET /docs/{file}: one of FILES, nothing else of the folder."""
    found = FILES.get(request.path_params["file"])
    if found is None:
        raise Problem("no_such_route")
    return _answer(_read(found[0]), found[1])


def list_problems(request: Request) -> Response:
    """Answer GET /problems."""
    if _wants_text(request):
        return _text("".join(f"{code} ({kind.status}): {kind.title}\n" for code, kind in KINDS.items()))
    rows = "\n".join(
        f'<tr><td><a href="problems/{code}"><code>{code}</code></a></td>'
        f"<td>{kind.status}</td><td>{_inline(kind.title)}</td></tr>"
        for code, kind in KINDS.items()
    )
    head = "<tr><th>code</th><th>status</th><th>what it says</th></tr>"
    return _page("Problems", f"<h1>Problems</h1>\n<table>\n{head}\n{rows}\n</table>", root=".")


def get_problem(request: Request) -> Response:
    """Answer GET /problems/{code}."""
    code = request.path_params["code"]
    kind = KINDS.get(code)
    if kind is None:
        raise Problem("no_such_problem")
    if _wants_text(request):
        return _text(_problem_text(code, kind))
    return _page(kind.title, _problem_html(code, kind), root="..")


def _facts(code: str, kind: Kind) -> str:
    again = "the same request may succeed later" if kind.retryable else "the same request will fail again"
    return f"`{code}`, status {kind.status}; {again}."


def _problem_text(code: str, kind: Kind) -> str:
    means = fill(f"{MEANINGS[code]} {OUTCOMES[kind.outcome]}", TEXT_COLUMNS)
    remedy = fill(kind.remedy, TEXT_COLUMNS)
    return f"{kind.title}\n{_facts(code, kind)}\n\nWhat it means\n{means}\n\nWhat to do next\n{remedy}\n"


def _problem_html(code: str, kind: Kind) -> str:
    return (
        f'<h1>{_inline(kind.title)}</h1>\n<p class="facts">{_inline(_facts(code, kind))}</p>\n'
        f"<h2>What it means</h2>\n<p>{_inline(MEANINGS[code])}</p>\n<p>{_inline(OUTCOMES[kind.outcome])}</p>\n"
        f"<h2>What to do next</h2>\n<p>{_inline(kind.remedy)}</p>\n"
        '<p><a href="../problems">All problems</a> &middot; <a href="../docs">The API</a></p>'
    )


def _inline(text: str) -> str:
    """Return text as HTML, what stands in `backticks` as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _wants_text(request: Request) -> bool:
    """Tell whether plain text was asked for; who names HTML too, as every browser does, gets HTML."""
    accept = request.headers.get("accept", "").lower()
    return "text/plain" in accept and "text/html" not in accept


def _page(title: str, content: str, *, root: str) -> Response:
    """Return a page; `root` leads from its address to the server's root, which a proxy may have moved."""
    template = Template(_read("problem.html").decode())
    page = template.substitute(title=html.escape(title), content=content, root=root)
    return _answer(page.encode(), "text/html; charset=utf-8")


def _text(text: str) -> Response:
    return _answer(text.encode(), "text/plain; charset=utf-8")


def _answer(body: bytes, media: str) -> Response:
    return Response(body, headers={"Content-Type": media, **SECURITY})


@cache
def _read(name: str) -> bytes:
    return (STATIC / name).read_bytes()


routes: Final[list[Route]] = [
    Route("/openapi.yaml", get_openapi_yaml),
    Route("/openapi.json", get_openapi_json),
    Route("/docs", get_docs),
    Route("/docs/{file}", get_docs_file),
    Route("/problems", list_problems),
    Route("/problems/{code}", get_problem),
]
