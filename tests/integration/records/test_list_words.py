"""Records are found in a list by what it shows of them now, in any case, on both databases alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.store import listing
from shared.store.claims import Failure
from shared.store.listing import SORTS, Wanted
from shared.store.store import Store
from shared.store.transitions import COMPLETED, FAILED, QUEUED
from shared.store.view import View
from tests.integration.records.operations import claim
from tests.tables import Record

Add = Callable[..., Record]


@pytest.fixture(params=["few", "many", "many found"])
def how_many(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few records are taken for many, which are looked for in another way."""
    if request.param != "few":
        monkeypatch.setattr(listing, "FEW_TO_LOOK_AT", 0)
    if request.param == "many found":
        monkeypatch.setattr(listing, "FEW_FOUND", 0)


def found(store: Store, text: str, **columns: Any) -> list[int]:
    return sorted(store.listing.ids(Wanted(text=text, **columns)))


def test_a_record_is_found_by_its_new_title_and_candidate_and_no_longer_by_the_old_ones(
    store: Store, add: Add
) -> None:
    record = add(title="Interview", candidate_id="C-17")

    store.choices.describe(record.id, title="Offer", candidate_id="D-18")

    assert found(store, "offer d-18") == [record.id]
    assert found(store, "interview") == found(store, "c-17") == []


def test_a_record_is_found_by_its_error_until_it_is_claimed_again(store: Store, add: Add) -> None:
    record, failure = add(title="Offer"), Failure("empty_file", "The file is Empty (0 bytes).")
    store.claims.retry_later(claim(store, record), failure, wait_seconds=0.0)
    assert found(store, "offer empty") == [record.id]

    again = claim(store, record)
    assert found(store, "empty") == []

    store.claims.fail(again, failure)
    assert found(store, "0 empty bytes", status=FAILED) == [record.id]
    assert found(store, "empty", status=COMPLETED) == []

    store.records.requeue(record.id)
    assert found(store, "empty") == []
    assert found(store, "offer") == [record.id]


def test_a_record_that_is_gone_is_found_by_nothing(store: Store, add: Add) -> None:
    gone, kept = add(title="Interview"), add(title="Interview")
    assert store.listing.counts("interview")[QUEUED] == 2

    store.records.delete(gone.id)

    assert found(store, "interview") == [kept.id]
    assert store.listing.counts("interview")[QUEUED] == 1


def test_a_recording_that_was_moved_is_found_by_its_new_name(store: Store, add: Add) -> None:
    record = add(recording_path="/calls/before.wav")

    store.records.note_move(record.id, "/before/After.m4a", {})

    assert found(store, "after.M4A") == [record.id]
    assert found(store, "before") == []


def test_a_word_is_not_found_across_two_columns(store: Store, add: Add) -> None:
    record = add(title="Inter", candidate_id="view", recording_path="/a/b")

    assert found(store, "interview") == []
    assert found(store, "view inter") == [record.id]


@pytest.mark.parametrize(
    ("title", "typed", "is_found"),
    [
        ("Müller", "MÜLLER", True),
        ("MÜLLER", "müll", True),
        ("Straße", "straße", True),
        ("Straße", "STRASSE", False),
        ("STRASSE", "straße", True),  # as it is written in capitals
        ("İstanbul", "istanbul", False),
        ("İstanbul", "İSTANBUL", True),
        ("ISTANBUL", "istanbul", True),
        ("ΣΊΣΥΦΟΣ", "Σίσυφος", True),
        ("東京 面談", "京", True),
        ("a" * 5000 + "z", "AZ", True),
        ("100% sure", "0%", True),
        ("1000 sure", "0%0", False),
        ("a_b", "A_B", True),
        ("axb", "a_b", False),
        ("a\\b", "A\\B", True),
        ("a\\\\b", "a\\b", False),
        ("ab\\", "b\\", True),
        ("c-17", "C-1", True),
        ("c_17", "-1", False),
    ],
)
def test_the_case_of_other_scripts_and_signs_mean_the_same_everywhere(
    store: Store, add: Add, title: str, typed: str, is_found: bool
) -> None:
    record = add(title=title, recording_path="/x/y")

    assert found(store, typed) == ([record.id] if is_found else [])


@pytest.mark.usefixtures("how_many")
@pytest.mark.parametrize("sort", SORTS)
def test_found_records_come_in_every_order_by_state_and_person(store: Store, add: Add, sort: str) -> None:
    for number in range(12):
        record = add(
            title=f"{'Call' if number % 3 else 'Talk'} {number % 5}",
            candidate_id=f"c{number % 4}" if number % 2 else None,
            owner_id=number % 2 + 1,
            created_at=1000.0 + number % 7,
        )
        if number % 4 == 0:
            store.claims.fail(claim(store, record), Failure("empty_file", "It is a call without sound."))
    mine = store.seen_by(View(owner_id=1)).listing
    for one, text in ((store.listing, "call"), (mine, "CALL"), (mine, "c o u")):
        for status in (None, QUEUED, FAILED, COMPLETED):
            wanted, among = Wanted(status, text), one.ids(Wanted(status), sort)
            hits = {it for it in among if has(store.records.get(it), text)}
            expected = [it for it in among if it in hits]

            assert one.ids(wanted, sort) == expected
            assert one.counts(text)[status or QUEUED] == len(hits) or status is None
            pages = [one.page(wanted, sort=sort, offset=at, limit=2) for at in range(0, len(hits) + 1, 2)]
            assert [record.id for page in pages for record in page.records] == expected
            assert {page.total for page in pages} == {len(hits)}


@pytest.mark.usefixtures("how_many")
def test_many_that_were_deleted_are_left_out_of_what_is_found(
    store: Store, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [add(title="Interview") for _ in range(5)]
    monkeypatch.setattr(listing, "FEW", 1)

    for record in records[1:]:
        store.deletions.add(record.id, due_at=2_000_000_000.0)

    assert found(store, "interview") == [records[0].id]
    assert store.listing.counts("interview")[QUEUED] == 1


def has(record: Any, text: str) -> bool:
    """Whether each word is in some column."""
    name = record.recording_path.rpartition("/")[2]
    shown = (record.title, record.candidate_id, record.project_id, record.transcription_error, name)
    return all(any(word in (column or "").lower() for column in shown) for word in text.lower().split())
