"""Schemathesis calls every address with data made from the description, right and wrong.

It looks for faults of the server, for statuses, types and headers of answers that are not in the description,
for answers that are not as described, and for wrong data that is taken.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, GenerationMode, checks

from archive.team_messages import PREFIX
from offhook.web.api import ENDPOINTS
from offhook.web.openapi import document
from shared.settings import Settings
from shared.store.store import Store
from tests.desk import DeskServer
from tests.integration.commands.calling import one_in_each_state
from tests.integration.commands.spoken import spoken
from tests.workstations import HandedOver, WorkstationClient, token_of

EXAMPLES, LONG_EXAMPLES = 5, 500
#: Numbers in addresses: the home has seven records, and calls of twenty words.
SESSIONS = tuple(f"00000000-0000-4000-8000-00000000000{n}" for n in range(3))
MOST = {"record_id": 8, "first_word": 20, "note_id": 3}
TIMEOUT_SECONDS = 20.0
STREAM = "text/event-stream"
#: The home has neither a capture worker nor one that transcribes, and says so.
NOT_NOW = ("capture_not_running", "not_now")
Operation = APIOperation[Any, Any, Any, Any]


def no_fault(_: schemathesis.CheckContext, answer: schemathesis.Response, case: Case) -> None:
    """Take any answer but a fault of the server."""
    if answer.status_code == 503:
        assert answer.json()["error"]["code"] in NOT_NOW, answer.text
    else:
        assert answer.status_code < 500, answer.text


def refused(context: schemathesis.CheckContext, answer: schemathesis.Response, case: Case) -> None:
    """Take no wrong data; another host and another version of tus are refused with statuses of their own."""
    if answer.status_code not in (412, 421):
        checks.negative_data_rejection(context, answer, case)


CHECKS = [
    no_fault,
    refused,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


@schemathesis.serializer("application/offset+octet-stream")
def sent(_: schemathesis.SerializationContext, body: Any) -> bytes:
    """How the bytes of an upload are sent: as they are."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def fitted(found: Any, mode: GenerationMode) -> Any:
    """Let right calls name the home's own records and words, so that they get further than "not found".

    Tuples become lists: schemathesis 4 takes the schemas of their items for a fault of the description.
    """
    if isinstance(found, list):
        return [fitted(it, mode) for it in found]
    if not isinstance(found, dict):
        return found
    if mode == GenerationMode.POSITIVE and found.get("in") == "path" and found["name"] in MOST:
        return {**found, "schema": {"type": "integer", "minimum": 0, "maximum": MOST[found["name"]]}}
    if mode == GenerationMode.POSITIVE and found.get("in") == "path" and found["name"] == "session_id":
        return {**found, "schema": {"type": "string", "enum": list(SESSIONS)}}
    if "prefixItems" in found:
        found = {**found, "items": {"anyOf": found["prefixItems"]}}
        del found["prefixItems"]
    return {key: fitted(it, mode) for key, it in found.items()}


def operations(mode: GenerationMode) -> list[Operation]:
    """Every operation whose answer ends."""
    schema = schemathesis.openapi.from_dict(fitted(document(ENDPOINTS, "offhook_0"), mode))
    found = [it.ok() for it in schema.get_all_operations()]
    return [it for it in found if STREAM not in json.dumps(it.definition.raw["responses"])]


@pytest.fixture(scope="module")
def program(desk: DeskServer, desk_store: Store) -> Iterator[requests.Session]:
    """A program with a token, and a home with a recording in each state and two transcripts."""
    one_in_each_state(desk_store)
    for _ in range(2):
        spoken(Settings(home=desk.stage.home), desk_store)
    made = desk.stage.read("token", "create", "schemathesis", "--scope", "read", "--scope", "write")
    with closing(requests.Session()) as session:
        session.headers["Authorization"] = f"Bearer {made['token']}"
        yield session


@pytest.fixture(scope="module")
def workstation(desk: DeskServer, desk_store: Store) -> Iterator[requests.Session]:
    """A workstation of a person that has handed over one call, and sends another one."""
    token = token_of(desk_store, "ada")
    with closing(WorkstationClient(desk.url, token)) as client:
        client.join()
        client.hand_over(HandedOver(b"RIFF" * 100, SESSIONS[0]))
        client.offer(HandedOver(b"RIFF" * 1000, SESSIONS[1]))
    with closing(requests.Session()) as session:
        session.headers["Authorization"] = f"Bearer {token}"
        yield session


def called(
    desk: DeskServer, session: requests.Session, operation: Operation, mode: GenerationMode, examples: int
) -> None:
    """Call an operation with examples; those of the short run are always the same."""

    @settings(
        max_examples=examples,
        derandomize=examples == EXAMPLES,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Case) -> None:
        answer = case.call(base_url=desk.url, session=session, timeout=TIMEOUT_SECONDS)
        case.validate_response(answer, checks=CHECKS)

    one()
    assert desk.process
    assert desk.process.poll() is None


def _deletes_a_call(operation: Operation, mode: GenerationMode) -> bool:
    """Whether an operation would take a call away that others read meanwhile."""
    is_of_a_call = operation.path.startswith(f"{PREFIX}/calls/")
    return is_of_a_call and operation.method.upper() == "DELETE" and mode == GenerationMode.POSITIVE


def each(of_workstations: bool) -> pytest.MarkDecorator:
    """Return all operations of workstations, or those of all others."""
    return pytest.mark.parametrize(
        ("operation", "mode"),
        [
            pytest.param(operation, mode, id=f"{mode.value} {operation.label}")
            for mode in GenerationMode
            for operation in operations(mode)
            if operation.path.startswith(PREFIX) == of_workstations and not _deletes_a_call(operation, mode)
        ],
    )


@each(of_workstations=False)
def test_a_call_is_answered_as_described(
    desk: DeskServer, program: requests.Session, operation: Operation, mode: GenerationMode
):
    called(desk, program, operation, mode, EXAMPLES)


@each(of_workstations=True)
def test_a_workstation_is_answered_as_described(
    desk: DeskServer, workstation: requests.Session, operation: Operation, mode: GenerationMode
):
    called(desk, workstation, operation, mode, EXAMPLES)


@pytest.mark.long
@pytest.mark.timeout(600)
@each(of_workstations=True)
def test_a_workstation_is_answered_as_described_however_often_it_calls(
    desk: DeskServer, workstation: requests.Session, operation: Operation, mode: GenerationMode
):
    called(desk, workstation, operation, mode, LONG_EXAMPLES)


@pytest.mark.long
@pytest.mark.timeout(600)
@each(of_workstations=False)
def test_many_calls_are_answered_as_described(
    desk: DeskServer, program: requests.Session, operation: Operation, mode: GenerationMode
):
    called(desk, program, operation, mode, LONG_EXAMPLES)
