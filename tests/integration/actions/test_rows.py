"""The rows of lists and events."""

from __future__ import annotations

import time

from offhook.desk.desk import Desk
from offhook.desk.listing import listed, rows_of
from shared.speakers import LOUDNESS, Label
from shared.store.claims import Failure
from shared.store.listing import Wanted
from shared.store.store import Store
from shared.words import Segment, Word
from tests.integration.commands.calling import claimed, one_in_each_state


def spoken(store: Store, title: str, *speakers: str, source: str = "capture") -> int:
    record = store.records.add(
        source=source, title=title, recording_path=f"/{title}.wav", candidate_id="Grace"
    )
    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    words = tuple(Word(n * 100, n * 100 + 90, f" word{n}", 0.9) for n in range(len(speakers)))
    labels = [Label(n, n, speaker, LOUDNESS, 0.9) for n, speaker in enumerate(speakers)]
    text = "".join(word.text for word in words)
    return store.claims.complete(claim, [Segment(0, 1000, text, words)], labels).id


def test_a_row_names_the_speakers_oneself_first(desk: Desk, store: Store) -> None:
    call = spoken(store, "call", "them", "unsure", "me", "them")
    talk = spoken(store, "talk", "voice 2", "voice 1", source="inbox")
    store.overlays.rename(talk, "voice 2", "Linus")
    silent = store.records.add(source="inbox", title="silent", recording_path="/s.wav").id

    found = rows_of(desk, [call, talk, silent])

    assert found[call]["speakers"] == ["Ada", "Grace"]
    assert found[talk]["speakers"] == ["Voice 1", "Linus"]
    assert found[silent]["speakers"] == []


def test_a_row_says_how_long_it_takes_while_it_is_transcribed(desk: Desk, store: Store) -> None:
    claim = claimed(store, "call", duration_seconds=100.0)
    assert rows_of(desk, [claim.record.id])[claim.record.id]["seconds_left"] is None

    store.claims.renew(claim, lease_seconds=60, progress=0.75, speed=5.0)

    assert rows_of(desk, [claim.record.id])[claim.record.id]["seconds_left"] == 5.0


def test_a_failure_has_a_remedy_and_what_is_tried_again_needs_none(desk: Desk, store: Store) -> None:
    ids = one_in_each_state(store)
    waits = claimed(store, "waits")
    store.claims.retry_later(waits, Failure("engine_crashed", "The engine died."), wait_seconds=60)

    found = rows_of(desk, [*ids.values(), waits.record.id])

    assert "original" in found[ids["failed"]]["remedy"]
    assert "tried again by itself" in found[waits.record.id]["remedy"]
    assert found[ids["completed"]]["remedy"] is None


def test_a_page_has_the_number_of_the_last_change_that_it_may_lack(desk: Desk, store: Store) -> None:
    one_in_each_state(store)
    page = listed(desk, Wanted("failed"))
    assert [row["title"] for row in page.records] == ["failed"]
    assert (page.total, sum(page.counts.values()), page.seq) == (1, 5, store.changes.latest())


def test_what_is_deleted_says_when_and_is_on_no_page(desk: Desk, store: Store) -> None:
    record_id = one_in_each_state(store)["completed"]
    store.deletions.add(record_id, time.time() + 30)

    assert rows_of(desk, [record_id])[record_id]["deletion_due_at"]
    assert record_id not in [row["id"] for row in listed(desk, Wanted()).records]
    with store.transaction():
        store.erasures.mark(record_id)
    assert rows_of(desk, [record_id]) == {}
