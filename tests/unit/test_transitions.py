"""The states of a recording: the table is the one that was agreed on, and nobody goes around it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.store.transitions import (
    CANCELLED,
    COMPLETED,
    FAILED,
    PROCESSING,
    QUEUED,
    STATES,
    TRANSITIONS,
)

ROOT = Path(__file__).parents[2]
PACKAGES = ("shared", "archive", "transcribe_worker", "capture_worker", "outbox_worker", "offhook")
WRITERS = {Path("shared/store/records.py"), Path("shared/store/transitions.py")}
COLUMN = "transcription_status"

#: From -> to, as docs/states-and-errors.md has it.
EXPECTED = {
    "claim": ({QUEUED}, PROCESSING),
    "complete": ({PROCESSING}, COMPLETED),
    "retry_later": ({PROCESSING}, QUEUED),
    "hand_back": ({PROCESSING}, QUEUED),
    "hold": ({PROCESSING}, QUEUED),
    "start_over": ({PROCESSING}, QUEUED),
    "fail": ({PROCESSING}, FAILED),
    "requeue": ({FAILED, COMPLETED, CANCELLED}, QUEUED),
    "cancel": ({QUEUED, PROCESSING, FAILED}, CANCELLED),  # what is completed is deleted, not cancelled
}


def test_there_are_five_states():
    assert STATES == ("queued", "processing", "completed", "failed", "cancelled")


def test_there_is_no_other_transition():
    assert TRANSITIONS.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_transition_leads_from_and_to_where_it_should(name: str):
    transition = TRANSITIONS[name]

    assert (set(transition.sources), transition.target) == EXPECTED[name]


@pytest.mark.parametrize("name", [name for name in EXPECTED if name != "claim"])
def test_whoever_leaves_processing_leaves_no_claim_behind(name: str):
    writes = TRANSITIONS[name].writes

    assert {writes.get(c, "kept") for c in ("claim_token", "worker_id", "lease_expires_at")} == {None}


def test_no_transition_writes_the_status_as_a_side_effect():
    assert not [name for name, transition in TRANSITIONS.items() if COLUMN in transition.writes]


# Who writes the status


def sources() -> Iterator[Path]:
    return (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))


def writes_of_the_status(source: str) -> list[int]:
    """Return the lines that write the status: by keyword, by attribute, by column or by SQL."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if _is_prose(node)}
    return [node.lineno for node in ast.walk(tree) if _writes(node) and id(node) not in prose]


def _is_prose(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _writes(node: ast.AST) -> bool:
    match node:
        case ast.keyword(arg="transcription_status"):
            return True
        case ast.Attribute(attr="transcription_status", ctx=ast.Store()):
            return True
        case ast.Dict(keys=keys):
            return any(isinstance(key, ast.Attribute) and key.attr == COLUMN for key in keys)
        case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value="transcription_status"), _]):
            return True
        case ast.Constant(value=str(text)):
            is_trigger = re.match(
                r"(?i)\s*(create function \w+\(\) returns trigger|after (insert|update))\b", text
            )
            return not is_trigger and bool(
                re.search(rf"(?is)\b(update|insert|replace)\b.*\b{COLUMN}\b", text)
            )
    return False


@pytest.mark.parametrize(
    "line",
    [
        "Record.update(transcription_status=QUEUED)",
        "Record.create(id=1, transcription_status='queued')",
        "Record.update({Record.transcription_status: QUEUED})",
        "record.transcription_status = QUEUED",
        "setattr(record, 'transcription_status', QUEUED)",
        "execute('UPDATE call_records SET transcription_status = ?')",
        "execute('insert into call_records (title, transcription_status) values (?, ?)')",
        "execute(f'UPDATE call_records SET transcription_status = {status}')",
    ],
)
def test_the_search_finds_each_way_to_write_the_status(line: str):
    assert writes_of_the_status(line) == [1]


@pytest.mark.parametrize(
    "line",
    [
        "Record.select().where(Record.transcription_status == QUEUED)",
        "'''Update nothing, not even transcription_status.'''",
        "execute('SELECT id FROM call_records WHERE transcription_status = ?')",
        "execute('CREATE INDEX a ON call_records (transcription_status)')",
        "f'CREATE TRIGGER {a} AFTER UPDATE OF transcription_status ON b EXECUTE FUNCTION c()'",
        "'CREATE FUNCTION a() RETURNS trigger AS $$ INSERT INTO b VALUES (NEW.transcription_status) $$'",
    ],
)
def test_the_search_passes_over_what_only_reads(line: str):
    assert writes_of_the_status(line) == []


def test_only_the_records_write_the_status():
    found = {path.relative_to(ROOT): writes_of_the_status(path.read_text("utf-8")) for path in sources()}

    assert found[Path("shared/store/records.py")]
    assert {path: lines for path, lines in found.items() if lines and path not in WRITERS} == {}
