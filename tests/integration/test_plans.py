"""What is asked all the time is answered by an index, however many recordings there are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from peewee import SqliteDatabase

from shared.store.models import InboxFile, Record
from shared.store.records import Records
from shared.store.transitions import COMPLETED

ASKED: dict[str, Callable[[Records], object]] = {
    "what is due": lambda records: records.due(100),
    "what is due and was begun": lambda records: records.due(100, begun_only=True),
    "what is held": lambda records: records.held(),
    "which models are awaited": lambda records: records.awaited_models(),
    "whether a recording is known by its content": lambda records: records.with_content("0" * 64),
    "whether a recording replaces another": lambda records: records.replace_content("/call.wav", {}),
    "which files are unreadable": lambda records: list(
        InboxFile.select().where(InboxFile.outcome == "unreadable")
    ),
    "the newest in a state": lambda records: list(
        records.select().where(Record.transcription_status == COMPLETED).order_by(Record.id.desc()).limit(20)
    ),
}


@pytest.fixture
def explained(database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps of every query that is run."""
    steps: list[str] = []
    run = database.execute_sql

    def explain(sql: str, params: object = None) -> object:
        if sql.startswith("SELECT"):
            steps.extend(step[3] for step in run(f"EXPLAIN QUERY PLAN {sql}", params))
        return run(sql, params)

    monkeypatch.setattr(database, "execute_sql", explain)
    return steps


@pytest.mark.parametrize("question", ASKED)
def test_no_look_at_the_queue_reads_or_sorts_all_there_is(
    question: str, records: Records, explained: list[str]
):
    ASKED[question](records)

    assert explained
    assert [step for step in explained if not step.startswith("SEARCH")] == []


def test_what_waits_to_be_filed_is_found_among_all_that_is_filed(records: Records, explained: list[str]):
    records.unfiled()

    assert explained[0] == "SEARCH t1 USING INDEX record_unfiled (transcription_status=?)"
