"""What is asked all the time is answered by an index, however many recordings there are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.speakers import LOUDNESS, Label
from shared.store.narrowing import Narrowing, SaidBy
from shared.store.store import Store
from shared.store.transitions import COMPLETED
from shared.store.turns import Taker
from shared.words import Segment, Word

ASKED: dict[str, Callable[[Store], object]] = {
    "what is due": lambda store: store.records.due(100),
    "what is due and was begun": lambda store: store.records.due(100, begun_only=True),
    "what of a person's is due": lambda store: store.turns.of(7, Taker(missing=["small"]), 16),
    "what is left to other machines": lambda store: store.turns.due(Taker((), [None], 600.0), 100),
    "what is held": lambda store: store.records.processing(),
    "which models are awaited": lambda store: store.records.awaited_models(),
    "whether a recording is known by its content": lambda store: store.records.with_content("0" * 64),
    "recordings that may still grow": lambda store: store.places.archived_since(1.0, 100),
    "whether a recording replaces another": lambda store: store.records.replace_content("/call.wav", {}),
    "which files are unreadable": lambda store: store.inbox_files.unreadable(),
    "what changed since a change": lambda store: store.changes.since(7, 100),
    "the last change": lambda store: store.changes.latest(),
    "which calls are recorded": lambda store: store.captures.running(),
    "what failed, by the code": lambda store: store.figures.failed_by_code(),
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
        if sql.startswith(("SELECT", "WITH")):
            steps.extend(step[3] for step in run(f"EXPLAIN QUERY PLAN {sql}", params))
        return run(sql, params)

    monkeypatch.setattr(database, "execute_sql", explain)
    return steps


@pytest.mark.parametrize("question", ASKED)
def test_no_look_at_the_queue_reads_or_sorts_all_there_is(question: str, store: Store, explained: list[str]):
    ASKED[question](store)

    assert explained
    assert [step for step in explained if not step.startswith("SEARCH")] == []


def test_whose_turn_it_is_is_found_without_reading_all_that_waits(store: Store, explained: list[str]):
    store.turns.order(Taker())

    reading = [step for step in explained if step.startswith(("SCAN", "SEARCH"))]
    assert "SEARCH t3 USING INDEX record_turns (transcription_status=? AND owner_id=?)" in reading
    assert {step for step in reading if step.startswith("SCAN")} == {"SCAN waiting_people"}


def test_what_waits_to_be_archived_is_found_among_all_that_is_archived(store: Store, explained: list[str]):
    store.places.unarchived()

    assert explained[0] == "SEARCH t1 USING INDEX record_unfiled (transcription_status=?)"


def test_the_hooks_with_a_due_message_are_found_among_all_that_were_notified(
    store: Store, explained: list[str]
):
    store.deliveries.hooks_due()

    index = "SEARCH t1 USING INDEX delivery_state_next_attempt_at"
    assert [step for step in explained if step.startswith(index)]
    assert [step for step in explained if step.startswith("SCAN")] == []


@pytest.mark.parametrize(
    "narrowing",
    [
        Narrowing(),
        Narrowing(candidate_id="C-17", since=1.0),
        Narrowing(said=SaidBy(frozenset({"me"}))),
        Narrowing(project_id="P", said=SaidBy(frozenset({"me"}), {7: frozenset({"voice 1"})})),
    ],
    ids=["words", "candidate", "speaker", "project and speaker"],
)
def test_no_narrowed_search_reads_all_segments_or_all_labels(
    narrowing: Narrowing, store: Store, monkeypatch: pytest.MonkeyPatch
):
    steps: list[str] = []
    database = store.database.connections
    run = database.execute_sql

    def explain(sql: str, params: object = None) -> object:
        if sql.lstrip().startswith("SELECT"):
            steps.extend(step[3] for step in run(f"EXPLAIN QUERY PLAN {sql}", params))
        return run(sql, params)

    for number in range(110):  # more than are asked one by one
        claim_of(store, number)
    monkeypatch.setattr(database, "execute_sql", explain)

    assert len(store.search.find("word", 20, narrowing)) == 20
    scanned = {step.split()[1] for step in steps if step.startswith("SCAN")}
    assert scanned <= {"segments_search", "json_each", "r"}
    of_persons = [step for step in steps if "INDEX speakerlabel_of_persons (record_id=?)" in step]
    assert bool(of_persons) == bool(narrowing.said), "all earlier labels are looked at for each segment"


def claim_of(store: Store, number: int) -> None:
    record = store.records.add(
        source="capture", title="t", recording_path=f"/{number}.wav", candidate_id="C-17", project_id="P"
    )
    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    words = (Word(0, 100, " word", 0.9),)
    store.claims.complete(claim, [Segment(0, 100, "word", words)], [Label(0, 0, "me", LOUDNESS, 0.9)])
