"""The document, the page that browses it and the pages of the problems, as a server hands them out."""

import hashlib
import html
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from headrace_server.api.documents import FILES, STATIC, find_contract
from headrace_server.api.meanings import MEANINGS
from headrace_server.api.problems import KINDS

from tests.support.contract import CONTRACT, document
from tests.support.servers import ServerProcess

VENDORED = tomllib.loads((STATIC / "vendored.toml").read_text())
PAGES = ["/docs", "/problems", "/problems/lease_lost"]


@pytest.fixture(scope="module")
def client(shared_server: ServerProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shared_server.url) as client:
        yield client


def test_the_yaml_is_the_file_as_it_was_written(client: httpx.Client) -> None:
    reply = client.get("/openapi.yaml")
    assert reply.headers["content-type"] == "application/yaml"
    assert reply.content == CONTRACT.read_bytes()


def test_the_json_is_the_same_document(client: httpx.Client) -> None:
    reply = client.get("/openapi.json")
    assert reply.headers["content-type"] == "application/json"
    assert reply.json() == document() == yaml.safe_load(CONTRACT.read_text())


def test_the_contract_lies_in_the_package_or_at_the_root(tmp_path: Path) -> None:
    package = tmp_path / "server" / "headrace_server"
    package.mkdir(parents=True)
    assert find_contract(package) == tmp_path / "openapi.yaml"
    (package / "openapi.yaml").touch()
    assert find_contract(package) == package / "openapi.yaml"


def test_every_file_by_others_is_unchanged_and_listed() -> None:
    for folder, vendored in VENDORED.items():
        assert vendored.keys() == {"package", "version", "licence", "integrity", "sha256"}
        found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (STATIC / folder).iterdir()}
        assert found == vendored["sha256"]
    assert {path.name for path in STATIC.iterdir() if path.is_dir()} == set(VENDORED)


def test_swagger_ui_reads_openapi_3_1() -> None:
    assert int(VENDORED["swagger-ui"]["version"].partition(".")[0]) >= 5


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_everything_it_names_from_this_server(client: httpx.Client, path: str) -> None:
    page = client.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    named = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert any(name.endswith(".css") for name in named)
    assert [name for name in named if re.match(r"[a-z]+:|//", name) and name != "data:,"] == []
    for name in named:
        if name != "data:,":
            assert client.get(page.url.join(name)).status_code == 200, name


@pytest.mark.parametrize("path", [*PAGES, "/openapi.json", "/openapi.yaml", *(f"/docs/{name}" for name in FILES)])
def test_a_page_may_run_and_load_only_what_is_ours(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert {policy["frame-ancestors"], policy["base-uri"], policy["form-action"]} == {"'none'"}
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


def test_our_pages_hold_nothing_that_the_policy_forbids() -> None:
    for path in STATIC.glob("*.html"):
        assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", path.read_text()) == [], path.name


@pytest.mark.parametrize(
    "name", ["LICENSE", "vendored.toml", "docs.html", "..%2fdocuments.py", "%2e%2e%2fdocuments.py"]
)
def test_nothing_else_of_the_folder_is_served(client: httpx.Client, name: str) -> None:
    reply = client.get(f"/docs/{name}")
    assert (reply.status_code, reply.json()["code"]) == (404, "no_such_route")


@pytest.mark.parametrize("code", KINDS)
def test_every_problem_has_a_page(client: httpx.Client, code: str) -> None:
    kind = KINDS[code]
    page = client.get(f"/problems/{code}")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    text = re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]+>", "", page.text)))
    for sentence in (kind.title, MEANINGS[code], kind.remedy, f"status {kind.status}"):
        assert sentence.replace("`", "") in text


def test_a_problem_is_plain_text_when_asked(client: httpx.Client) -> None:
    reply = client.get("/problems/lease_lost", headers={"Accept": "text/plain"})
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.text.startswith(KINDS["lease_lost"].title)
    assert KINDS["lease_lost"].remedy in reply.text
    listed = client.get("/problems", headers={"Accept": "text/plain"}).text
    assert [line.split()[0] for line in listed.splitlines()] == list(KINDS)


@pytest.mark.parametrize(
    "accept", ["*/*", "text/html,application/xhtml+xml,*/*;q=0.8", "text/html, text/plain;q=0.5", "text/*"]
)
def test_a_browser_gets_html(client: httpx.Client, accept: str) -> None:
    assert (
        client.get("/problems/lease_lost", headers={"Accept": accept}).headers["content-type"].startswith("text/html")
    )


def test_the_type_of_a_problem_is_its_page(client: httpx.Client) -> None:
    problem = client.get("/v1/jobs/none").json()
    assert client.get(problem["type"]).status_code == 200


def test_an_unknown_code_is_a_problem_itself(client: httpx.Client) -> None:
    reply = client.get("/problems/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    assert reply.status_code == 404
    reply = client.get("/problems/<b>")
    assert (reply.status_code, json.loads(reply.content)["code"]) == (404, "no_such_problem")
    assert reply.headers["content-type"] == "application/problem+json"


def test_documents_are_open_where_tokens_are_needed(make_server: Callable[..., ServerProcess]) -> None:
    running = make_server(env={"HEADRACE_TOKENS": "secret-token"})
    for path in ("/openapi.yaml", "/openapi.json", *PAGES):
        assert httpx.get(f"{running.url}{path}").status_code == 200
    assert httpx.get(f"{running.url}/v1/server").status_code == 401
