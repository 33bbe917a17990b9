"""The records under everything that happens to them: real SQLite files, real threads, real processes."""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from peewee import IntegrityError, OperationalError, SqliteDatabase

from shared.errors import ClaimLost, EngineCrashed, RecordNotFound, StateConflict
from shared.settings import Settings
from shared.store.claims import Claim, Failure
from shared.store.models import MODELS, Control, DecodedWindow, InboxFile, Record, Segment
from shared.store.records import LONGEST_WAIT_SECONDS, Records
from shared.store.sqlite import open_database
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
DAY_SECONDS = 86_400.0
FAILURE = Failure("engine_failed", "The engine reported an error while decoding.")
WINDOW = {"start_seconds": 0.0, "end_seconds": 9.0, "stretch_seconds": 0.0, "segments": "[]"}
NEW_CONTENT = {"sha256": "new", "size_bytes": 2, "modified_ns": 2}

CLAIMS = """
import json, sys
from pathlib import Path
from shared.store.sqlite import open_database
from shared.store.records import Records
records = Records(open_database(Path(sys.argv[1])))
print("up", flush=True)
sys.stdin.readline()
taken = []
while due := records.due(limit=10):
    for record in due:
        if records.claim(record.id, worker_id=sys.argv[2], model="tiny.en", lease_seconds=60):
            taken.append(record.id)
print(json.dumps(taken))
"""


@dataclass
class Clock:
    """A clock that a test sets."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def records(database: SqliteDatabase, clock: Clock) -> Records:
    """The records of the fresh home, by a clock that stands still."""
    return Records(database, clock)


@pytest.fixture
def add(records: Records) -> Callable[..., Record]:
    """Queue a recording of its own."""
    numbers = itertools.count(1)

    def add(**columns: Any) -> Record:
        number = next(numbers)
        given = {"title": f"call {number}", "recording_path": f"/calls/{number}.wav", **columns}
        return records.add(source="added", **given)

    return add


def claim(records: Records, record: Record, worker_id: str = "worker-1", model: str = "tiny.en") -> Claim:
    claim = records.claim(record.id, worker_id=worker_id, model=model, lease_seconds=60)
    assert claim is not None
    return claim


def segment(text: str, start_seconds: float = 0.0) -> dict[str, Any]:
    return {"start_seconds": start_seconds, "end_seconds": start_seconds + 1, "text": text}


def hits(database: SqliteDatabase, word: str) -> int:
    """Count the segments that the search index finds for a word."""
    sql = "SELECT count(*) FROM segments_search WHERE segments_search MATCH ?"
    return int(database.execute_sql(sql, (f'"{word}"',)).fetchone()[0])


def snapshot(database: SqliteDatabase) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row there is, and check that the search index agrees with the segments."""
    database.execute_sql("INSERT INTO segments_search (segments_search, rank) VALUES ('integrity-check', 1)")
    tables = (Record, DecodedWindow, Segment, InboxFile, Control)
    return {model.__name__: list(model.select().tuples()) for model in tables}


@contextmanager
def locked_by_another(path: Path, seconds: float) -> Iterator[None]:
    """Hold the write lock on the database for so long, on a connection of its own."""
    writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    with closing(writer):
        writer.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(seconds, lambda: writer.execute("COMMIT"))
        timer.start()
        yield
        timer.join()


def at_once(database: SqliteDatabase, jobs: list[Callable[[], Any]]) -> list[Any]:
    """Run each job in a thread and a connection of its own; return what they return or raise."""
    results: list[Any] = [None] * len(jobs)
    barrier = threading.Barrier(len(jobs))

    def run(number: int) -> None:
        with database.connection_context():
            barrier.wait()
            try:
                results[number] = jobs[number]()
            except Exception as error:
                results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


# Every transition from every state


def operation(records: Records, name: str, claim: Claim) -> Any:
    """Carry out the transition of this name."""
    do: dict[str, Callable[[], Any]] = {
        "claim": lambda: records.claim(claim.record.id, worker_id="worker-2", model="base", lease_seconds=9),
        "complete": lambda: records.complete(claim, [segment("mistaken")], language="en"),
        "retry_later": lambda: records.retry_later(claim, FAILURE, wait_seconds=7, crashed=True),
        "hand_back": lambda: records.hand_back(claim),
        "hold": lambda: records.hold(claim, FAILURE, wait_seconds=7),
        "start_over": lambda: records.start_over(claim, wait_seconds=7, **NEW_CONTENT),
        "fail": lambda: records.fail(claim, FAILURE, crashed=True),
        "requeue": lambda: records.requeue(claim.record.id, {"model": "base"}),
        "cancel": lambda: records.cancel(claim.record.id),
    }
    return do[name]()


def bring_to(records: Records, state: str, record: Record) -> Claim:
    """Bring a queued recording, with a window decoded, to a state, and return its last claim."""
    held = claim(records, record)
    records.save_windows(held, [WINDOW], progress=0.5)
    if state == QUEUED:
        records.hand_back(held)
    elif state == COMPLETED:
        records.complete(held, [segment("spoken")])
    elif state == FAILED:
        records.fail(held, FAILURE)
    elif state == CANCELLED:
        records.cancel(record.id)
    assert records.get(record.id).transcription_status == state
    return held


@pytest.mark.parametrize("name", TRANSITIONS)
@pytest.mark.parametrize("state", STATES)
def test_a_recording_moves_only_from_the_states_of_the_table(
    records: Records, database: SqliteDatabase, add: Callable[..., Record], state: str, name: str
):
    held = bring_to(records, state, add())
    transition = TRANSITIONS[name]
    # Even the right token moves nothing out of the wrong state.
    database.execute_sql("UPDATE call_records SET claim_token = ?", (held.token,))
    before = snapshot(database)

    if state in transition.sources:
        operation(records, name, held)
        assert records.get(held.record.id).transcription_status == transition.target
        return
    if name == "claim":
        assert operation(records, name, held) is None
    else:
        with pytest.raises(StateConflict if name in ("requeue", "cancel") else ClaimLost):
            operation(records, name, held)
    assert snapshot(database) == before


@pytest.mark.parametrize("name", ["requeue", "cancel"])
def test_a_refusal_says_which_recording_and_what_state(
    records: Records, add: Callable[..., Record], name: str
):
    held = bring_to(records, CANCELLED if name == "cancel" else PROCESSING, add())

    with pytest.raises(StateConflict, match=f"Recording {held.record.id} is (processing|cancelled)"):
        operation(records, name, held)


@pytest.mark.parametrize("name", ["get", "requeue", "cancel", "delete"])
def test_a_recording_that_is_not_there_is_said_to_be_missing(records: Records, name: str):
    with pytest.raises(RecordNotFound, match="There is no recording 7"):
        getattr(records, name)(7)


# Claims


def test_a_claim_counts_the_attempt_and_notes_whose_it_is(
    records: Records, add: Callable[..., Record], clock: Clock
):
    held = claim(records, add(), "worker-7", model="small")

    found = records.get(held.record.id)
    assert (found.transcription_status, found.attempts, found.claim_token) == (PROCESSING, 1, held.token)
    assert (found.worker_id, found.model, found.started_at) == ("worker-7", "small", clock.now)
    assert found.lease_expires_at == clock.now + 60
    assert held.record.attempts == 1


def test_attempts_count_at_each_claim_even_if_nobody_reports_back(
    records: Records, add: Callable[..., Record]
):
    record = add()
    for attempt in (1, 2, 3):
        held = claim(records, record)
        assert records.get(record.id).attempts == attempt
        records.retry_later(held, Failure.of(EngineCrashed()), wait_seconds=0, crashed=True)

    found = records.get(record.id)
    assert (found.attempts, found.crashes, found.error_code) == (3, 3, "engine_crashed")


def test_each_claim_has_a_token_of_its_own(records: Records, add: Callable[..., Record]):
    record = add()
    first = claim(records, record)
    records.hand_back(first)

    assert claim(records, record).token != first.token


def test_eight_threads_claim_each_recording_exactly_once(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    with database.atomic():
        wanted = [add().id for _ in range(300)]

    def take_all() -> list[int]:
        taken = []
        while due := records.due(limit=10):
            for record in due:
                held = records.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
                taken += [held.record.id] if held else []
        return taken

    taken = at_once(database, [take_all] * 8)

    assert sorted(itertools.chain(*taken)) == wanted
    assert {record.attempts for record in records.held()} == {1}
    assert len({record.claim_token for record in records.held()}) == 300


def test_four_processes_claim_each_recording_exactly_once(
    records: Records, database: SqliteDatabase, settings: Settings, add: Callable[..., Record]
):
    with database.atomic():
        wanted = [add().id for _ in range(300)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMS, str(settings.database), f"worker-{number}"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "up\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    taken = {f"worker-{n}": json.loads(worker.communicate(timeout=30)[0]) for n, worker in enumerate(workers)}

    assert sorted(itertools.chain(*taken.values())) == wanted
    held = records.held()
    assert {record.attempts for record in held} == {1}
    assert Counter(record.worker_id for record in held) == {w: len(ids) for w, ids in taken.items() if ids}


def test_a_recording_rests_until_its_time_has_come(
    records: Records, add: Callable[..., Record], clock: Clock
):
    record = add()
    records.retry_later(claim(records, record), FAILURE, wait_seconds=20)

    for seconds, is_due in ((0.0, False), (19.9, False), (0.1, True)):
        clock.now += seconds
        assert [r.id for r in records.due(limit=9)] == ([record.id] if is_due else [])
        held = records.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
        assert (held is not None) is is_due


@pytest.mark.parametrize("seconds", [-DAY_SECONDS, -365 * DAY_SECONDS, DAY_SECONDS])
def test_a_clock_that_is_set_leaves_no_resting_recording_stuck(
    records: Records, add: Callable[..., Record], clock: Clock, seconds: float
):
    record = add()
    records.retry_later(claim(records, record), FAILURE, wait_seconds=600)

    clock.now += seconds

    assert [r.id for r in records.due(limit=9)] == [record.id]
    claim(records, record)


def test_a_clock_that_is_set_back_a_little_only_makes_the_wait_longer(
    records: Records, add: Callable[..., Record], clock: Clock
):
    record = add()
    records.retry_later(claim(records, record), FAILURE, wait_seconds=600)

    clock.now -= LONGEST_WAIT_SECONDS - 600

    assert records.due(limit=9) == []
    clock.now += LONGEST_WAIT_SECONDS
    assert records.due(limit=9) != []


def test_a_clock_that_is_set_gives_no_recording_to_a_second_worker(
    records: Records, add: Callable[..., Record], clock: Clock
):
    record = add()
    held = claim(records, record)

    for seconds in (DAY_SECONDS, -2 * DAY_SECONDS):
        clock.now += seconds
        assert records.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60) is None
    records.complete(held, [])


def test_the_most_urgent_is_due_first_and_then_the_oldest(records: Records, add: Callable[..., Record]):
    ids = [add(priority=priority).id for priority in (0, 5, 0, 5)]

    assert [r.id for r in records.due(limit=3)] == [ids[1], ids[3], ids[0]]


# A claim that is lost


def lost_to_a_cancel(records: Records, held: Claim) -> None:
    records.cancel(held.record.id)


def lost_to_a_delete(records: Records, held: Claim) -> None:
    records.delete(held.record.id)


def lost_to_the_sweeper(records: Records, held: Claim) -> None:
    records.retry_later(held, Failure("worker_gone", "gone"), wait_seconds=0, crashed=True)


def lost_to_another_worker(records: Records, held: Claim) -> None:
    lost_to_the_sweeper(records, held)
    claim(records, held.record, "worker-2")


def lost_to_another_attempt_that_completed(records: Records, held: Claim) -> None:
    lost_to_the_sweeper(records, held)
    records.complete(claim(records, held.record, "worker-2"), [segment("theirs")])


def lost_to_a_person_who_queued_it_again(records: Records, held: Claim) -> None:
    records.cancel(held.record.id)
    records.requeue(held.record.id)


LOSSES = [
    lost_to_a_cancel,
    lost_to_a_delete,
    lost_to_the_sweeper,
    lost_to_another_worker,
    lost_to_another_attempt_that_completed,
    lost_to_a_person_who_queued_it_again,
]
HELD_OPERATIONS: dict[str, Callable[[Records, Claim], Any]] = {
    name: lambda records, held, name=name: operation(records, name, held)  # type: ignore[misc]
    for name in ("complete", "retry_later", "hand_back", "hold", "start_over", "fail")
} | {
    "renew": lambda records, held: records.renew(held, lease_seconds=60, progress=0.9),
    "confirm": lambda records, held: records.confirm(held),
    "save_windows": lambda records, held: records.save_windows(held, [WINDOW], progress=0.9),
}


def test_the_number_of_a_deleted_recording_is_given_to_no_other(records: Records, add: Callable[..., Record]):
    deleted = add()
    records.delete(deleted.id)

    assert add().id > deleted.id


@pytest.mark.parametrize("name", HELD_OPERATIONS)
def test_a_worker_that_has_lost_its_claim_changes_nothing(
    records: Records, database: SqliteDatabase, add: Callable[..., Record], name: str
):
    for lose in LOSSES:
        held = claim(records, add())
        records.save_windows(held, [WINDOW], progress=0.5)
        lose(records, held)
        before = snapshot(database)

        with pytest.raises(ClaimLost):
            HELD_OPERATIONS[name](records, held)

        assert snapshot(database) == before, lose.__name__
    assert hits(database, "mistaken") == 0


def test_a_claim_that_stands_can_be_renewed_confirmed_and_added_to(
    records: Records, add: Callable[..., Record], clock: Clock
):
    held = claim(records, add())
    clock.now += 30

    records.renew(held, lease_seconds=60, language="en")
    records.save_windows(held, [WINDOW | {"start_seconds": 9.0}], progress=0.7)
    records.save_windows(held, [WINDOW], progress=0.4)
    records.confirm(held)

    found = records.get(held.record.id)
    assert (found.lease_expires_at, found.language) == (clock.now + 60, "en")
    assert found.progress == 0.4
    assert [window.start_seconds for window in records.windows(found.id)] == [0.0, 9.0]


def test_a_window_can_be_saved_without_anything_else_to_note(records: Records, add: Callable[..., Record]):
    held = claim(records, add())

    records.save_windows(held, [WINDOW])

    assert len(records.windows(held.record.id)) == 1


def test_of_a_worker_and_a_cancel_at_the_same_moment_exactly_one_wins(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    for _ in range(20):
        held = claim(records, add())

        completed, cancelled = at_once(
            database,
            [
                lambda held=held: records.complete(held, [segment("spoken")]),  # type: ignore[misc]
                lambda held=held: records.cancel(held.record.id),  # type: ignore[misc]
            ],
        )

        found = records.get(held.record.id)
        spoken = Segment.select().where(Segment.record == found.id).count()
        if isinstance(completed, ClaimLost):
            assert (found.transcription_status, spoken) == (CANCELLED, 0)
        else:  # a cancel that came second found a transcript: it was refused, or it was heeded
            assert spoken == 1
            refused = isinstance(cancelled, StateConflict)
            assert found.transcription_status == (COMPLETED if refused else CANCELLED)


# The end of an attempt


def test_a_transcript_its_index_and_its_status_come_together(
    records: Records, database: SqliteDatabase, add: Callable[..., Record], clock: Clock
):
    held = claim(records, add())
    records.save_windows(held, [WINDOW], progress=0.5)
    spoken = [segment(f"Größe number{n}", float(n)) for n in range(250)]

    records.complete(held, spoken, language="de", duration_seconds=250.0)

    found = records.get(held.record.id)
    assert (found.transcription_status, found.progress, found.completed_at) == (COMPLETED, 1.0, clock.now)
    assert (found.language, found.duration_seconds) == ("de", 250.0)
    assert (found.claim_token, found.worker_id, found.lease_expires_at) == (None, None, None)
    assert [s.text for s in Segment.select().order_by(Segment.start_seconds)] == [s["text"] for s in spoken]
    assert (hits(database, "grosse"), hits(database, "GROSSE"), hits(database, "number249")) == (0, 0, 1)
    assert hits(database, "große") == 250
    assert records.windows(found.id) == []


def test_a_transcript_that_cannot_be_written_as_a_whole_is_not_written_at_all(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    held = claim(records, add())
    records.save_windows(held, [WINDOW], progress=0.5)
    before = snapshot(database)

    with pytest.raises(IntegrityError):
        records.complete(held, [*[segment("spoken")] * 150, {**segment("broken"), "text": None}])

    assert snapshot(database) == before
    records.complete(held, [segment("spoken")])


def test_nobody_sees_a_completed_recording_without_its_transcript(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    claims = [claim(records, add()) for _ in range(15)]
    done = threading.Event()

    def complete_all() -> None:
        try:
            for held in claims:
                records.complete(held, [segment("spoken") for _ in range(120)])
        finally:
            done.set()

    def look() -> set[int]:
        seen: set[int] = set()
        sql = """SELECT r.id, (SELECT count(*) FROM segments s WHERE s.record_id = r.id)
            FROM call_records r WHERE r.transcription_status = 'completed'"""
        over = False
        while not over:
            over = done.is_set()  # so the last look comes after the last transcript
            seen |= {count for _, count in database.execute_sql(sql).fetchall()}
        return seen

    completed, seen = at_once(database, [complete_all, look])

    assert completed is None
    assert seen == {120}


def test_a_failed_attempt_says_why_and_rests(records: Records, add: Callable[..., Record], clock: Clock):
    held = claim(records, add())
    records.save_windows(held, [WINDOW], progress=0.5)

    record = records.retry_later(held, FAILURE, wait_seconds=20)

    assert (record.transcription_status, record.attempts, record.crashes) == (QUEUED, 1, 0)
    assert (record.error_code, record.transcription_error) == (FAILURE.code, FAILURE.message)
    assert record.next_attempt_at == clock.now + 20
    assert len(records.windows(record.id)) == 1  # the next attempt goes on behind it


def test_the_next_attempt_forgets_why_the_last_one_failed(records: Records, add: Callable[..., Record]):
    record = add()
    records.retry_later(claim(records, record), FAILURE, wait_seconds=0)

    found = claim(records, record).record

    assert (found.error_code, found.transcription_error) == (None, None)


def test_a_recording_that_is_given_up_says_why_and_when(
    records: Records, add: Callable[..., Record], clock: Clock
):
    record = records.fail(claim(records, add()), FAILURE, crashed=True)

    assert (record.transcription_status, record.crashes, record.completed_at) == (FAILED, 1, clock.now)
    assert (record.error_code, record.transcription_error) == (FAILURE.code, FAILURE.message)
    assert records.due(limit=9) == []


@pytest.mark.parametrize("name", ["hand_back", "hold"])
def test_a_recording_that_is_handed_back_or_held_has_not_spent_an_attempt(
    records: Records, add: Callable[..., Record], name: str
):
    record = add()
    records.retry_later(claim(records, record), FAILURE, wait_seconds=0, crashed=True)
    held = claim(records, record)
    records.save_windows(held, [WINDOW], progress=0.5)

    operation(records, name, held)

    found = records.get(record.id)
    assert (found.transcription_status, found.attempts, found.crashes) == (QUEUED, 1, 1)
    assert len(records.windows(record.id)) == 1


def test_a_recording_that_is_handed_back_is_due_at_once_and_one_on_hold_later(
    records: Records, add: Callable[..., Record], clock: Clock
):
    handed_back, on_hold = add(), add()
    records.hand_back(claim(records, handed_back))
    record = records.hold(claim(records, on_hold), Failure("model_missing", "no model"), wait_seconds=30)

    assert [r.id for r in records.due(limit=9)] == [handed_back.id]
    assert (record.error_code, record.transcription_error) == ("model_missing", "no model")
    clock.now += 30
    assert [r.id for r in records.due(limit=9)] == [handed_back.id, on_hold.id]


def test_starting_over_forgets_everything_about_the_old_content(
    records: Records, add: Callable[..., Record], clock: Clock
):
    record = add(sha256="old", size_bytes=1, modified_ns=1)
    records.retry_later(claim(records, record), FAILURE, wait_seconds=0, crashed=True)
    held = claim(records, record)
    records.save_windows(held, [WINDOW], progress=0.5, language="en", flags='["stale_header"]')

    found = records.start_over(held, wait_seconds=5, **NEW_CONTENT)

    assert {name: getattr(found, name) for name in NEW_CONTENT} == NEW_CONTENT
    assert_afresh(found, next_attempt_at=clock.now + 5)
    assert records.windows(record.id) == []


def assert_afresh(record: Record, next_attempt_at: float = 0.0) -> None:
    """Check that a queued record knows nothing of earlier attempts."""
    assert record.transcription_status == QUEUED
    assert (record.attempts, record.crashes, record.progress) == (0, 0, 0.0)
    assert record.next_attempt_at == next_attempt_at
    assert (record.started_at, record.completed_at, record.filed_at) == (None, None, None)
    assert (record.error_code, record.transcription_error) == (None, None)
    assert (record.language, record.flags, record.speed) == (None, "[]", None)
    assert (record.claim_token, record.worker_id, record.lease_expires_at) == (None, None, None)


@pytest.mark.parametrize("asked_for", [None, "small"], ids=["the default", "a model of its own"])
@pytest.mark.parametrize("name", ["retry_later", "hand_back", "hold", "start_over", "replace_content"])
def test_a_recording_that_waits_again_waits_for_the_model_that_was_asked_for(
    records: Records, add: Callable[..., Record], name: str, asked_for: str | None
):
    """Not for the one that was the default at the last attempt: models.py says so of the column, and
    `offhook status` counts by it what waits for which model."""
    record = add(options={"model": asked_for} if asked_for else {})
    held = claim(records, record, model=asked_for or "tiny.en")

    if name == "replace_content":
        records.fail(held, FAILURE)
        records.replace_content(record.recording_path, NEW_CONTENT)
    else:
        operation(records, name, held)

    assert records.get(record.id).model == asked_for


# What a person does


@pytest.mark.parametrize("state", [COMPLETED, FAILED, CANCELLED])
def test_queueing_again_clears_what_was_made_and_counted(
    records: Records, database: SqliteDatabase, add: Callable[..., Record], state: str
):
    record = add()
    records.retry_later(claim(records, record), FAILURE, wait_seconds=0, crashed=True)
    bring_to(records, state, record)
    records.mark_filed(records.get(record.id), "/library/call.wav")
    stem = records.reserve_stem(record.id, iter(["2026/11/call"]))

    found = records.requeue(record.id)

    assert_afresh(found)
    assert found.library_stem == stem
    assert snapshot(database)["DecodedWindow"] == []


def test_queueing_again_keeps_the_transcript_until_there_is_another(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    record = add()
    records.complete(claim(records, record), [segment("spoken")])
    records.requeue(record.id)
    assert hits(database, "spoken") == 1

    records.complete(claim(records, record), [segment("anew")])
    assert (hits(database, "spoken"), hits(database, "anew")) == (0, 1)


def test_a_waiting_recording_takes_on_options_and_drops_what_was_decoded_without_them(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    record = add()
    held = claim(records, record)
    records.save_windows(held, [WINDOW])
    records.retry_later(held, FAILURE, wait_seconds=600)

    revised = records.revise(record.id, {}, title="Anew", priority=3)
    assert (revised.title, revised.priority, revised.next_attempt_at, revised.error_code) == (
        "Anew",
        3,
        0.0,
        None,
    )
    assert len(records.windows(record.id)) == 1

    revised = records.revise(record.id, {"model": "small"})
    assert (revised.model, json.loads(revised.options)) == ("small", {"model": "small"})
    assert records.windows(record.id) == []


def test_the_options_of_a_recording_that_is_being_transcribed_cannot_be_changed(
    records: Records, add: Callable[..., Record]
):
    record = add()
    claim(records, record)
    with pytest.raises(StateConflict):
        records.revise(record.id, {"model": "small"})


def test_queueing_again_adds_to_the_options_that_were_chosen(records: Records, add: Callable[..., Record]):
    record = add(options={"model": "small", "language": "de"})
    records.complete(claim(records, record, model="small"), [])

    found = records.requeue(record.id, {"model": "base", "vad": False})

    assert json.loads(found.options) == {"model": "base", "language": "de", "vad": False}
    assert found.model == "base"


def test_a_transcript_of_the_second_time_replaces_the_first(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    record = add()
    records.complete(claim(records, record), [segment("earlier"), segment("both")])
    records.requeue(record.id)
    records.complete(claim(records, record), [segment("later"), segment("both")])

    assert [hits(database, word) for word in ("earlier", "later", "both")] == [0, 1, 1]


def test_a_cancelled_recording_is_fenced_from_the_worker_that_had_it(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    record = add()
    held = claim(records, record)

    found = records.cancel(record.id)

    assert (found.transcription_status, found.claim_token, found.worker_id) == (CANCELLED, None, None)
    with pytest.raises(ClaimLost):
        records.complete(held, [segment("spoken")])
    assert records.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60) is None
    assert hits(database, "spoken") == 0


@pytest.mark.parametrize("state", STATES)
def test_a_deleted_recording_is_gone_with_everything_that_was_made_of_it(
    records: Records, database: SqliteDatabase, add: Callable[..., Record], state: str
):
    kept = add()
    records.complete(claim(records, kept), [segment("spoken by another")])
    before = snapshot(database)
    record = add()
    bring_to(records, state, record)
    InboxFile.create(path="/x.wav", size_bytes=1, modified_ns=1, outcome="adopted", record=record.id)

    records.delete(record.id)

    assert snapshot(database) == before
    assert hits(database, "spoken") == 1
    with pytest.raises(RecordNotFound):
        records.get(record.id)


@pytest.mark.parametrize("state", [QUEUED, FAILED, CANCELLED])
def test_an_overwritten_recording_is_queued_afresh(records: Records, add: Callable[..., Record], state: str):
    record = add(sha256="old", size_bytes=1, modified_ns=1)
    records.retry_later(claim(records, record), FAILURE, wait_seconds=0, crashed=True)
    if state == QUEUED:
        held = claim(records, record)
        records.save_windows(held, [WINDOW], progress=0.5, language="en", flags='["stale_header"]')
        records.retry_later(held, FAILURE, wait_seconds=600)
    else:
        bring_to(records, state, record)

    found = records.replace_content(record.recording_path, NEW_CONTENT)

    assert found is not None
    assert {name: getattr(found, name) for name in ("id", *NEW_CONTENT)} == {"id": record.id, **NEW_CONTENT}
    assert records.windows(record.id) == []
    assert_afresh(found)


def test_an_overwritten_recording_that_is_being_processed_is_left_to_its_worker(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    held = bring_to(records, PROCESSING, add(sha256="old"))
    before = snapshot(database)

    found = records.replace_content(held.record.recording_path, NEW_CONTENT)

    assert found is not None
    assert found.id == held.record.id
    assert snapshot(database) == before
    records.confirm(held)


def test_an_overwritten_recording_that_is_completed_keeps_its_transcript(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    held = bring_to(records, COMPLETED, add(sha256="old"))
    before = snapshot(database)

    assert records.replace_content(held.record.recording_path, NEW_CONTENT) is None
    assert records.replace_content("/never/heard/of.wav", NEW_CONTENT) is None
    assert snapshot(database) == before


def test_a_pause_is_seen_by_everybody_until_it_is_over(
    records: Records, settings: Settings, database: SqliteDatabase
):
    code = f"""
from pathlib import Path
from shared.store.sqlite import open_database
from shared.store.records import Records
print(Records(open_database(Path({str(settings.database)!r}))).paused())"""

    def seen_by_another() -> str:
        return subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).strip()

    assert not records.paused()
    records.set_paused(True)
    records.set_paused(True)
    assert (records.paused(), seen_by_another()) == (True, "True")
    records.set_paused(False)
    assert (records.paused(), seen_by_another()) == (False, "False")


# The library


def test_a_place_in_the_library_stays_the_same_and_is_nobody_elses(
    records: Records, add: Callable[..., Record]
):
    first, second = add(), add()

    assert records.reserve_stem(first.id, iter(["a", "b"])) == "a"
    assert records.reserve_stem(second.id, iter(["a", "b"])) == "b"
    assert records.reserve_stem(first.id, iter(["c"])) == "a"


def test_many_who_reserve_the_same_place_at_once_get_one_each(
    records: Records, database: SqliteDatabase, add: Callable[..., Record]
):
    ids = [add().id for _ in range(8)]
    jobs = [
        lambda record_id=record_id: records.reserve_stem(record_id, map(str, range(8)))  # type: ignore[misc]
        for record_id in ids
        for _ in range(2)
    ]

    stems = at_once(database, jobs)

    assert stems[::2] == stems[1::2]
    assert sorted(stems[::2]) == [str(number) for number in range(8)]


def test_only_a_completed_recording_is_to_be_filed_and_only_once(
    records: Records, add: Callable[..., Record], clock: Clock
):
    held = bring_to(records, COMPLETED, add())
    bring_to(records, FAILED, add())
    waiting = add()
    assert [r.id for r in records.unfiled()] == [held.record.id]

    records.mark_filed(records.get(held.record.id), recording_path="/library/1.wav")
    records.mark_filed(waiting, recording_path="/where it is now.wav")

    assert records.unfiled() == []
    assert records.get(held.record.id).recording_path == "/library/1.wav"
    assert records.get(waiting.id).filed_at is None


# A busy neighbour


def test_a_neighbour_that_keeps_the_database_locked_only_delays_everybody(
    records: Records, database: SqliteDatabase, settings: Settings, add: Callable[..., Record]
):
    waiting, resting, finished, held = add(), add(), add(), claim(records, add())
    bring_to(records, FAILED, finished)
    before = time.monotonic()

    with locked_by_another(settings.database, seconds=2.0):
        assert len(records.due(limit=9)) == 2  # who only reads does not wait
        assert time.monotonic() - before < 1.0
        results = at_once(
            database,
            [
                lambda: add(title="added"),
                lambda: claim(records, waiting),
                lambda: records.requeue(finished.id),
                lambda: records.reserve_stem(resting.id, iter(["place"])),
                lambda: records.save_windows(held, [WINDOW], progress=0.5),
                lambda: records.set_paused(True),
            ],
        )
        waited_seconds = time.monotonic() - before

    assert [result for result in results if isinstance(result, Exception)] == []
    assert 2.0 <= waited_seconds < 10.0
    assert records.get(waiting.id).attempts == 1
    assert records.get(finished.id).transcription_status == QUEUED
    assert (records.get(resting.id).library_stem, records.paused()) == ("place", True)
    assert len(records.windows(held.record.id)) == 1


def test_a_transaction_that_reads_before_it_writes_is_not_overtaken(
    records: Records, database: SqliteDatabase, settings: Settings, add: Callable[..., Record]
):
    """What a deferred transaction cannot: once overtaken it fails at once, whatever its busy timeout."""
    record = add()
    with closing(sqlite3.connect(settings.database, isolation_level=None, timeout=60)) as deferred:
        deferred.execute("BEGIN DEFERRED")
        deferred.execute("SELECT * FROM call_records").fetchall()
        records.set_paused(True)
        before = time.monotonic()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            deferred.execute("UPDATE call_records SET title = 'late'")
        assert time.monotonic() - before < 1.0

    with (
        closing(sqlite3.connect(settings.database, isolation_level=None, timeout=0)) as neighbour,
        database.atomic(),
    ):
        assert not records.get(record.id).library_stem
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            neighbour.execute("UPDATE call_records SET title = 'overtaken'")
        records.reserve_stem(record.id, iter(["place"]))
    assert records.get(record.id).title == "call 1"


def test_a_neighbour_that_never_lets_go_is_an_error_that_says_so(
    records: Records, settings: Settings, database: SqliteDatabase
):
    impatient = open_database(settings.database, busy_timeout_seconds=0.05)
    with locked_by_another(settings.database, seconds=0.3), pytest.raises(OperationalError, match="locked"):
        Records(impatient).set_paused(True)
    impatient.close()
    database.bind(MODELS)

    assert not records.paused()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of a file")
def test_a_full_disk_is_what_a_recording_waits_for_and_not_the_rollback_behind_it(
    records: Records, database: SqliteDatabase
) -> None:
    import resource

    record = records.add(source="added", title="call", recording_path="/call.wav")
    claim = records.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    words = {"start_seconds": 0.0, "end_seconds": 1.0, "text": "said " * 100_000}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(OperationalError) as caught:
            records.complete(claim, [words])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert Failure.of(caught.value) == Failure("OperationalError", "disk I/O error")
    assert records.retry_later(claim, Failure.of(caught.value), wait_seconds=1).error_code
