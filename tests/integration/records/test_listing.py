"""Records as a person looks through them: pages, filters, orders."""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest

from shared.store.listing import SORTS, Page, UnknownSort, Wanted
from shared.store.store import Store
from tests import tables

MANY = 10_000
#: Measured: 6 to 25 ms. A busy machine is given ten times that.
LONGEST_MS = 250


def add(store: Store, title: str, **columns: Any) -> int:
    path = columns.pop("recording_path", f"/calls/{title}.wav")
    return store.records.add(source="added", title=title, recording_path=path, **columns).id


def titles(page: Page) -> list[str]:
    return [record.title for record in page.records]


def found(store: Store, text: str) -> list[str]:
    return titles(store.listing.page(Wanted(text=text), sort="title"))


def test_a_page_is_a_part_of_all_with_their_number(store: Store) -> None:
    for number in range(25):
        add(store, f"call {number:02d}")

    page = store.listing.page(Wanted(), offset=10, limit=3)

    assert (titles(page), page.total) == (["call 14", "call 13", "call 12"], 25)
    for offset in (25, 26, 1_000_000):  # as of a list that has become shorter
        assert store.listing.page(Wanted(), offset=offset) == Page([], 25)
        assert store.listing.page(Wanted(text="call"), offset=offset) == Page([], 25)


def test_every_word_is_found_somewhere_in_any_case(store: Store) -> None:
    add(store, "Interview", candidate_id="C-17", project_id="Tokyo")
    add(store, "Offer", candidate_id="C-18", project_id="Tokyo", recording_path="D:\\Calls\\Müller 3.WAV")

    assert found(store, "INTER c-17 tok") == ["Interview"]
    assert found(store, "tokyo") == ["Interview", "Offer"]
    assert found(store, "MÜLLER") == found(store, "müll") == ["Offer"]
    assert found(store, "interview c-18") == []


def test_the_folder_of_a_recording_is_not_its_name(store: Store) -> None:
    add(store, "one", recording_path="/calls/hello.wav")
    add(store, "two", recording_path="/hello/calls.wav")

    assert found(store, "hello") == ["one"]
    assert found(store, "calls") == ["two"]


@pytest.mark.parametrize("sign", ["%", "_", "!", "'", '"', "\\"])
def test_signs_of_the_query_language_stand_for_themselves(store: Store, sign: str) -> None:
    add(store, f"100{sign}0", recording_path="/a")
    add(store, "100x0", recording_path="/b")

    assert found(store, f"0{sign}0") == [f"100{sign}0"]


def test_what_failed_is_found_by_its_error(store: Store) -> None:
    record_id = add(store, "call")
    tables.Record.update(transcription_error="The file is empty.").where(
        tables.Record.id == record_id
    ).execute()

    assert found(store, "empty") == ["call"]


@pytest.mark.parametrize("sort", SORTS)
def test_an_order_turned_round_is_the_other_way_round(store: Store, sort: str) -> None:
    for number in (3, 1, 2):
        add(store, f"call {number}", candidate_id=f"c{number}", duration_seconds=number, priority=number)
    upwards = titles(store.listing.page(Wanted(), sort=sort))

    assert titles(store.listing.page(Wanted(), sort=f"-{sort}")) == upwards[::-1]
    if sort not in ("created_at", "status"):
        assert upwards == ["call 1", "call 2", "call 3"]


@pytest.mark.parametrize("sort", ["candidate", "-candidate", "duration", "-duration"])
def test_what_has_no_value_comes_last_in_both_directions(store: Store, sort: str) -> None:
    add(store, "without")
    add(store, "with", candidate_id="c", duration_seconds=1.0)

    assert titles(store.listing.page(Wanted(), sort=sort)) == ["with", "without"]


def test_equal_records_keep_their_order_from_page_to_page(store: Store) -> None:
    for _ in range(10):
        add(store, "same")
    pages = [store.listing.page(Wanted(), sort="title", offset=at, limit=3) for at in range(0, 10, 3)]

    assert [record.id for page in pages for record in page.records] == list(range(1, 11))


def test_an_order_that_there_is_not_is_refused(store: Store) -> None:
    with pytest.raises(UnknownSort, match="created_at, title"):
        store.listing.page(Wanted(), sort="recording_path")


def test_what_a_person_has_deleted_is_neither_listed_nor_counted(store: Store) -> None:
    kept, waiting, marked = (add(store, title) for title in ("kept", "waiting", "marked"))
    store.deletions.add(waiting, due_at=time.time() + 30)
    with store.transaction():
        store.erasures.mark(marked)

    assert store.listing.ids(Wanted()) == [kept]
    assert store.listing.page(Wanted()).total == store.listing.counts()["queued"] == 1


def test_counts_are_of_what_is_found_by_the_words(store: Store) -> None:
    add(store, "one call")
    store.records.cancel(add(store, "another call"))
    add(store, "talk")

    counts = store.listing.counts("call")

    assert (counts["queued"], counts["cancelled"]) == (1, 1)
    assert store.listing.ids(Wanted("cancelled", "call")) == [2]


@pytest.mark.sqlite
def test_a_damaged_path_hinders_no_search(store: Store) -> None:
    add(store, "call", recording_path="/whole.wav")
    tables.execute("UPDATE call_records SET recording_path = CAST(x'2fff776176' AS TEXT)")

    assert found(store, "call") == ["call"]
    assert found(store, "wav") == ["call"]


def test_a_page_of_ten_thousand_is_there_before_the_next_key(store: Store) -> None:
    rows = [
        {
            "session_id": f"s{n}",
            "source": "added",
            "title": f"call {n} with Öztürk",
            "recording_path": f"/calls/{n}.wav",
        }
        | {"transcription_status": "completed", "created_at": 1.0 + n}
        for n in range(MANY)
    ]
    with store.transaction():
        for start in range(0, MANY, 500):
            tables.Record.insert_many(rows[start : start + 500]).execute()

    for text in ("", "öztürk", "call 77", "calls", "nobody"):
        assert statistics.median(_took_ms(store, text) for _ in range(5)) < LONGEST_MS


def _took_ms(store: Store, text: str) -> float:
    began = time.perf_counter()
    store.listing.page(Wanted(text=text))
    return (time.perf_counter() - began) * 1000
