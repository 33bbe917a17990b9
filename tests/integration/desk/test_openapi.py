"""The description of the addresses for programs says what the server has."""

from __future__ import annotations

import re
from typing import Any

import httpx
import jsonschema_rs
import msgspec
import pytest
from starlette.routing import Route

from offhook.web.call import Endpoint, Stream
from offhook.web.gate import TEAM_FOLDER
from offhook.web.openapi import PATH, document, plain
from offhook.web.visitors import API_FOLDERS

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture(scope="module")
def described(client: httpx.Client) -> dict[str, Any]:
    answer = client.get(PATH)
    assert answer.status_code == 200
    return dict(answer.json())


def test_every_address_for_programs_is_described_and_no_other(
    all_routes: list[Route], described: dict[str, Any]
):
    there = [it for it in all_routes if it.path.startswith(API_FOLDERS)]
    exist = {(method, plain(it.path)) for it in there for method in METHODS & (it.methods or METHODS)}
    said = {(method.upper(), path) for path, found in described["paths"].items() for method in found}
    assert said == exist


def test_another_method_is_refused_with_those_that_there_are(
    client: httpx.Client, all_routes: list[Route], described: dict[str, Any]
):
    taken: dict[str, set[str]] = {}
    for route in all_routes:
        taken.setdefault(plain(route.path), set()).update(route.methods or set())
    for path in described["paths"]:
        if path.startswith(TEAM_FOLDER):  # a page is let in to none of them
            continue
        answer = client.request("TRACE", re.sub(r"\{[^}]*\}", "1", path))
        assert answer.status_code == 405
        assert taken[path] <= set(answer.headers["allow"].split(", "))


def test_each_operation_has_a_name_of_its_own_and_says_who_may(described: dict[str, Any]):
    operations = [(*it, path) for path, found in described["paths"].items() for it in found.items()]
    assert len({it["operationId"] for _, it, _ in operations}) == len(operations)
    for method, it, path in operations:
        if path.startswith(TEAM_FOLDER):
            assert it["security"] == [{"workstation": []}]
            continue
        scope = "read" if method == "get" else "write"
        assert {"token": [scope]} in it["security"]
        assert any("csrf" in way for way in it["security"]) == (scope == "write")


def test_the_session_is_the_cookie_of_this_server(client: httpx.Client, described: dict[str, Any]):
    (cookie,) = client.cookies.jar
    assert described["components"]["securitySchemes"]["session"]["name"] == cookie.name


def test_every_schema_is_one(described: dict[str, Any]):
    for name, schema in described["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid(schema), name
        root = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        jsonschema_rs.validator_for(root)  # every reference leads somewhere


def test_a_query_becomes_parameters_and_a_path_numbers_or_texts():
    class Window(msgspec.Struct):
        first: int
        count: int = 100

    class Given(msgspec.Struct):
        text: str

    def nothing(*_: object) -> Any: ...

    found = document(
        (
            Endpoint("GET", "/api/v1/a/{record_id}", nothing, "One", query=Window, answer=list[Given]),
            Endpoint("PUT", "/api/v1/a/{name:str}", nothing, "Two", body=Given),
            Stream("GET", "/api/v1/b", nothing, "Three", media=("text/event-stream",)),
        ),
        "offhook_1",
    )
    one, two = (found["paths"][path] for path in ("/api/v1/a/{record_id}", "/api/v1/a/{name}"))
    schemas = {
        it["name"]: (it["in"], it["required"], it["schema"]["type"]) for it in one["get"]["parameters"]
    }
    assert schemas == {
        "record_id": ("path", True, "integer"),
        "first": ("query", True, "integer"),
        "count": ("query", False, "integer"),
    }
    assert two["put"]["parameters"][0]["schema"]["type"] == "string"
    assert "204" in two["put"]["responses"]
    assert set(found["components"]["schemas"]) == {"Given", "Failure", "Problem"}
    assert found["paths"]["/api/v1/b"]["get"]["responses"]["200"]["content"] == {"text/event-stream": {}}
