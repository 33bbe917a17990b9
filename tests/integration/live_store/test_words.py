"""The words of a running call, final and provisional, and what a power cut may take of them."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from shared.errors import ClaimLost, StoreUnavailable
from shared.store.live import LiveWord
from shared.store.live_values import LivePage
from shared.store.store import Store
from tests.integration.live_store.calls import begin, follow, save, window, words_of
from tests.tables import execute

NORMAL, FULL = 1, 2
MAYBE = [LiveWord(4000, 4500, " maybe", None, False)]


def synchronous() -> int:
    return int(execute("PRAGMA synchronous").fetchone()[0])


def test_final_words_come_by_time_and_provisional_ones_after_them(store: Store):
    claim = follow(store, begin(store))
    them, me = window(2.0, "Morgen", "auch", channel=1), window(0.0, "Guten", "Tag", channel=0)
    store.live.save_windows(
        claim, [them, me], [words_of(them, "them"), words_of(me, "me")], final_seconds=4.0
    )
    store.live.note(claim, MAYBE, heard_seconds=4.5)

    words = store.live.words(claim.session_id)

    assert words == [*words_of(me, "me"), *words_of(them, "them"), *MAYBE]
    assert store.live.words(claim.session_id, from_ms=3000) == [words[3], *MAYBE]
    assert store.live.words(claim.session_id, from_ms=5000) == []
    assert store.live.words(claim.session_id, from_ms=words[1].start_ms, until_ms=3000) == words[1:3]
    assert store.live.windows(claim.session_id) == [me, them]
    assert store.live.words("none") == []


def test_words_that_have_become_final_since_come_once(store: Store):
    claim = follow(store, begin(store))
    seen: list[list[str]] = []
    last = 0
    for found in (window(0.0, "a", "b", channel=0), window(0.5, "c", channel=1)):
        store.live.save_windows(claim, [found], [words_of(found)], final_seconds=0.5)
        words, last = store.live.final_words(claim.session_id, after=last)
        seen.append([it.text for it in words])

    assert seen == [[" a", " b"], [" c"]]
    assert store.live.final_words(claim.session_id, after=last) == ([], last)
    store.live.release(claim)
    again = follow(store, claim.session_id, "small, careful")
    save(store, again, window(0.0, "other"))
    assert [it.text for it in store.live.final_words(claim.session_id, after=last)[0]] == [" other"]


def test_a_text_stands_as_the_model_wrote_it(store: Store):
    claim = follow(store, begin(store))
    texts = (" Größe", ' "so"', " 👋🏽", "。", " \\u0000 \n")
    said = [LiveWord(at, at + 1, text, "them 2", False) for at, text in enumerate(texts)]

    store.live.note(claim, said)

    assert store.live.words(claim.session_id) == said


def test_provisional_words_are_replaced_and_go_when_their_part_is_final_or_the_call_is_over(store: Store):
    claim = follow(store, begin(store))
    store.live.note(claim, [LiveWord(0, 500, " perhaps", None, False)])
    store.live.note(claim, [LiveWord(0, 500, " possibly", None, False), *MAYBE])
    assert [it.text for it in store.live.words(claim.session_id)] == [" possibly", " maybe"]

    save(store, claim, window(0.0, "yes", "indeed"))
    assert [it.text for it in store.live.words(claim.session_id)] == [" yes", " indeed", " maybe"]

    store.live.end(claim)
    assert [it.text for it in store.live.words(claim.session_id)] == [" yes", " indeed"]


def test_windows_and_their_words_are_committed_together_or_not_at_all(store: Store):
    claim = follow(store, begin(store))

    with pytest.raises(ValueError, match="shorter"):
        store.live.save_windows(claim, [window(0.0, "one"), window(1.0, "two")], [[]], final_seconds=2.0)

    assert store.live.windows(claim.session_id) == []
    assert store.live.find(claim.session_id) == claim.call


@pytest.mark.sqlite
def test_a_note_waits_for_no_disk_and_every_other_write_does(store: Store):
    claim = follow(store, begin(store))
    statements: list[str] = []
    store.database.connections.connection().set_trace_callback(statements.append)
    store.live.note(claim, MAYBE)
    noted = [it.split(" SET")[0] for it in statements]
    statements.clear()
    save(store, claim, window(0.0, "yes"))
    store.database.connections.connection().set_trace_callback(None)

    assert noted == [
        "PRAGMA synchronous = normal",
        "BEGIN IMMEDIATE",
        'UPDATE "live_calls"',
        "COMMIT",
        "PRAGMA synchronous = full",
    ]
    assert not [it for it in statements if "PRAGMA" in it]
    assert synchronous() == FULL


@pytest.mark.sqlite
def test_only_this_thread_writes_without_waiting_and_only_meanwhile(store: Store):
    others: list[int] = []

    def look() -> None:
        others.append(synchronous())
        store.disconnect()

    with store.database.unsynced():
        assert synchronous() == NORMAL
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    assert (synchronous(), others) == (FULL, [FULL])


@pytest.mark.sqlite
def test_after_an_error_commits_wait_for_the_disk_again(store: Store):
    claim = follow(store, begin(store))
    store.live.release(claim)

    with pytest.raises(ClaimLost):
        store.live.note(claim, MAYBE)

    assert synchronous() == FULL
    with store.database.unsynced():
        store.disconnect()
    assert synchronous() == FULL


@pytest.mark.sqlite
def test_a_connection_that_cannot_be_set_back_is_closed(store: Store):
    with store.database.unsynced():
        execute("BEGIN")  # in a transaction SQLite refuses to change it

    assert store.database.connections.is_closed()
    assert synchronous() == FULL


@pytest.mark.sqlite
def test_a_transaction_that_has_begun_is_not_made_unsafe(store: Store):
    with pytest.raises(StoreUnavailable, match="inside a transaction"), store.transaction():
        with store.database.unsynced():
            raise AssertionError

    assert synchronous() == FULL


@pytest.mark.sqlite
@pytest.mark.skipif(os.name == "nt", reason="Windows keeps an open database where it is")
def test_a_lost_database_is_an_error_of_a_note_and_another_is_written_safely(store: Store, tmp_path: Path):
    claim = follow(store, begin(store))
    store.database.path.rename(tmp_path / "elsewhere.db")

    with pytest.raises(StoreUnavailable):
        store.live.note(claim, MAYBE)

    (tmp_path / "elsewhere.db").rename(store.database.path)
    store.live.note(claim, MAYBE)
    assert (store.live.words(claim.session_id), synchronous()) == (MAYBE, FULL)


def test_words_are_read_from_the_end_in_pages(store: Store):
    claim = follow(store, begin(store))
    assert store.live.page(claim.session_id, 2) == LivePage([], 0, 0, False)
    windows = [window(float(2 * number), f"word{number}") for number in range(5)]
    for each in windows:
        save(store, claim, each)
    last = store.live.page(claim.session_id, 2)
    assert last.words == [*words_of(windows[3]), *words_of(windows[4])]
    before = store.live.page(claim.session_id, 2, before=last.first)
    assert before.words == [*words_of(windows[1]), *words_of(windows[2])]
    first = store.live.page(claim.session_id, 2, before=before.first)
    assert (first.words, first.has_earlier) == (words_of(windows[0]), False)
    assert (last.has_earlier, before.has_earlier) == (True, True)
    assert store.live.has_window(claim.session_id, last.last)
    assert not store.live.has_window(claim.session_id, last.last + 1)
    assert not store.live.has_window("another", last.last)
