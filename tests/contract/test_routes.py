"""Every route of the application is in the document, and the reverse."""

import re

from headrace_server.api import documents
from headrace_server.api.routes import ROUTES
from starlette.routing import Route

from tests.support.contract import operations

ALL: list[Route] = [*ROUTES, *documents.routes]


def shape(path: str) -> str:
    """Return a path without the names of its parameters."""
    return re.sub(r"\{\w+(:\w+)?\}", "{}", path)


def test_every_route_is_documented_and_every_operation_exists() -> None:
    routes = {(method, shape(route.path)) for route in ALL for method in (route.methods or set()) - {"HEAD"}}
    assert routes == {(operation.method, shape(operation.path)) for operation in operations()}


def test_no_route_is_listed_twice() -> None:
    assert len({(route.path, *sorted(route.methods or [])) for route in ALL}) == len(ALL)


def test_a_route_has_the_name_of_its_operation() -> None:
    names = {(o.method, shape(o.path)): o.id for o in operations()}
    named = {
        (method, shape(route.path)): route.name for route in ROUTES for method in (route.methods or set()) - {"HEAD"}
    }
    wrong = [(name, names[where]) for where, name in named.items() if name != names[where]]
    assert wrong == []
