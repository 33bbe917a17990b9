"""What is asked all the time is answered by an index, however many recordings there are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.store.store import Store
from shared.store.transitions import COMPLETED

ASKED: dict[str, Callable[[Store], object]] = {
    "what is due": lambda store: store.records.due(100),
    "what is due and was begun": lambda store: store.records.due(100, begun_only=True),
    "what is held": lambda store: store.records.processing(),
    "which models are awaited": lambda store: store.records.awaited_models(),
    "whether a recording is known by its content": lambda store: store.records.with_content("0" * 64),
    "recordings that may still grow": lambda store: store.places.archived_since(1.0, 100),
    "whether a recording replaces another": lambda store: store.records.replace_content("/call.wav", {}),
    "which files are unreadable": lambda store: store.inbox_files.unreadable(),
    "the newest in a state": lambda store: store.records.newest(20, COMPLETED),
    "the page after that": lambda store: store.records.newest(20, COMPLETED, before_id=7),
}


@pytest.fixture
def explained(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps of every query that is run."""
    steps: list[str] = []
    database = store.database.connections
    run = database.execute_sql

    def explain(sql: str, params: object = None) -> object:
        if sql.startswith("SELECT"):
            steps.extend(step[3] for step in run(f"EXPLAIN QUERY PLAN {sql}", params))
        return run(sql, params)

    monkeypatch.setattr(database, "execute_sql", explain)
    return steps


@pytest.mark.parametrize("question", ASKED)
def test_no_look_at_the_queue_reads_or_sorts_all_there_is(question: str, store: Store, explained: list[str]):
    ASKED[question](store)

    assert explained
    assert [step for step in explained if not step.startswith("SEARCH")] == []


def test_what_waits_to_be_archived_is_found_among_all_that_is_archived(store: Store, explained: list[str]):
    store.places.unarchived()

    assert explained[0] == "SEARCH t1 USING INDEX record_unfiled (transcription_status=?)"
