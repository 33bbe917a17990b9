"""The rows of a workstation's outbox: what is to be sent, what was sent, what is to be deleted elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from archive.erasing import Eraser
from archive.library import Library
from outbox_worker.sent_audio import SentAudio
from shared.errors import StateConflict
from shared.settings import Settings
from shared.store.joining import JoinedServer
from shared.store.outbox import DOUBT_SECONDS, Outbox
from shared.store.outbox_states import RECEIVED, REFUSED, SENDING, SENT, WAITING
from shared.store.store import Store
from shared.store.values import Record

SERVER = JoinedServer("https://team.example", "a-secret-token", "team", "Ada", 0.0, after_seq=7)
HASH = "ab" * 32


def added(store: Store, title: str, **columns: object) -> Record:
    return store.records.add(source="added", title=title, recording_path=f"/tmp/{title}.wav", **columns)


def completed(store: Store, record: Record) -> None:
    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    store.claims.complete(claim, [])


@pytest.fixture
def joined(store: Store) -> Store:
    store.outbox.join(SERVER)
    return store


def test_a_home_that_has_joined_nothing_has_no_server_and_sends_nothing(store: Store) -> None:
    added(store, "one")
    assert (store.outbox.joined(), store.outbox.is_joined(), store.outbox.due()) == (None, False, None)


def test_joining_takes_what_waits_and_leaves_what_is_finished(store: Store) -> None:
    completed(store, finished := added(store, "finished"))
    waiting = added(store, "waiting")
    store.outbox.join(SERVER)
    assert store.outbox.find(finished.id) is None
    due = store.outbox.due()
    assert due
    assert (due.record, due.state) == (waiting.id, WAITING)


def test_finished_recordings_are_sent_if_they_are_to_be(store: Store) -> None:
    completed(store, finished := added(store, "finished"))
    store.outbox.join(SERVER, send_existing=True)
    due = store.outbox.due()
    assert due
    assert due.record == finished.id


def test_another_server_is_refused_while_one_is_joined_and_the_same_one_renews_its_token(
    joined: Store,
) -> None:
    other = JoinedServer("https://other.example", "t", "other", "Ada", 0.0)
    with pytest.raises(StateConflict, match="offhook leave"):
        joined.outbox.join(other)
    joined.outbox.server.refused("It was revoked.")
    renewed = joined.outbox.join(JoinedServer(SERVER.url, "new-token", "team", "Ada", 0.0, after_seq=99))
    assert (renewed.token, renewed.refused_at, renewed.after_seq) == ("new-token", None, 7)


def test_the_token_is_in_no_text_of_the_server(joined: Store) -> None:
    assert SERVER.token not in repr(joined.outbox.joined())


def test_the_most_urgent_recording_is_sent_first_and_a_cancelled_one_waits(joined: Store) -> None:
    records = [added(joined, name, priority=urgency) for name, urgency in (("a", 0), ("b", 5), ("c", 3))]
    joined.outbox.adopt()
    joined.records.cancel(records[1].id)
    due = joined.outbox.due()
    assert due
    assert due.record == records[2].id


def test_a_recording_goes_from_waiting_to_received_and_no_step_is_taken_twice(joined: Store) -> None:
    record = added(joined, "one")
    joined.outbox.adopt()
    outbox = joined.outbox
    assert outbox.step("begin", record.id, sent_bytes=10)
    assert outbox.find(record.id).state == SENDING  # type: ignore[union-attr]
    assert outbox.take(record.id, HASH)
    assert not outbox.take(record.id, HASH)
    item = outbox.find(record.id)
    assert item
    assert (item.state, item.sha256, item.is_at_the_server) == (SENT, HASH, True)
    assert outbox.due() is None
    assert outbox.receive(record.id, words_seq=12)
    assert not outbox.step("refuse", record.id)
    assert outbox.counts() == {"waiting": 0, "sending": 0, "sent": 0, "received": 1, "refused": 0}


@pytest.mark.parametrize("state", [RECEIVED, REFUSED])
def test_what_a_person_queues_again_is_sent_again(joined: Store, state: str) -> None:
    record = added(joined, "one")
    joined.outbox.adopt()
    if state == REFUSED:
        joined.outbox.step("refuse", record.id)
    else:
        joined.outbox.take(record.id, HASH)
        joined.outbox.note(record.id, server_status="completed")
        joined.outbox.receive(record.id)
    completed(joined, record)
    assert joined.outbox.adopt() == 0
    joined.records.requeue(record.id)
    assert joined.outbox.adopt() == 1
    due = joined.outbox.due()
    assert due
    assert (due.state, due.server_status) == (WAITING, "completed" if state == RECEIVED else None)


def test_a_recording_that_is_put_off_counts_attempts_until_it_goes_on(joined: Store) -> None:
    record = added(joined, "one")
    joined.outbox.adopt()
    joined.outbox.put_off(record.id, "unreadable", "It is open elsewhere.", 30.0)
    assert joined.outbox.due() is None
    item = joined.outbox.find(record.id)
    assert item
    assert (item.attempts, item.error) == (1, "It is open elsewhere.")


def test_leaving_forgets_the_token_and_what_was_not_sent_but_knows_what_is_at_the_server(
    joined: Store,
) -> None:
    sent, unsent = added(joined, "sent"), added(joined, "unsent")
    joined.outbox.adopt()
    joined.outbox.take(sent.id, HASH)
    joined.outbox.audio_deleted(sent.id)
    assert joined.outbox.only_at_the_server() == (1, 1)
    joined.outbox.leave()
    assert joined.outbox.joined() is None
    assert joined.outbox.find(unsent.id) is None
    assert joined.outbox.find(sent.id) is not None


def test_a_server_that_has_lost_changes_is_offered_everything_again(joined: Store) -> None:
    record = added(joined, "one")
    joined.outbox.adopt()
    joined.outbox.take(record.id, HASH)
    joined.outbox.begin_anew()
    due, server = joined.outbox.due(), joined.outbox.joined()
    assert due
    assert server
    assert (due.record, due.state, server.after_seq) == (record.id, WAITING, 0)


def test_what_has_come_back_is_offered_again_as_far_as_it_is_still_here(joined: Store) -> None:
    kept, gone, failed = (added(joined, name) for name in ("kept", "gone", "failed"))
    joined.outbox.adopt()
    for record in (kept, gone, failed):
        joined.outbox.take(record.id, HASH)
        joined.outbox.receive(record.id, words_seq=5)
    for record in (kept, gone):
        completed(joined, record)
    joined.records.cancel(failed.id)
    joined.outbox.audio_deleted(gone.id)
    joined.outbox.begin_anew()
    states = {number: it.state for number, it in joined.outbox.some([kept.id, gone.id, failed.id]).items()}
    assert states == {kept.id: WAITING, gone.id: RECEIVED, failed.id: RECEIVED}


def test_what_a_server_has_not_finished_in_a_day_is_offered_again(joined: Store, settings: Settings) -> None:
    old, cancelled = (added(joined, name) for name in ("old", "cancelled"))
    joined.outbox.adopt()
    for record in (old, cancelled):
        joined.outbox.take(record.id, HASH)
    joined.records.cancel(cancelled.id)
    joined.outbox.doubt()
    assert joined.outbox.due() is None
    tomorrow = Outbox(joined.database, lambda: joined.clock() + DOUBT_SECONDS + 1)
    tomorrow.doubt()
    due = joined.outbox.due()
    assert due
    assert (due.record, due.state) == (old.id, WAITING)
    assert joined.outbox.counts()["sent"] == 1
    joined.outbox.take(old.id, HASH)
    joined.outbox.doubt()
    assert joined.outbox.counts()["sent"] == 2


def test_a_server_is_away_since_the_first_time_and_back_with_the_next_answer(joined: Store) -> None:
    joined.outbox.server.away("It refuses connections.")
    first = joined.outbox.joined()
    joined.outbox.server.away("It does not answer.")
    second = joined.outbox.joined()
    assert first
    assert second
    assert second.away_at == first.away_at is not None
    assert second.away_why == "It does not answer."
    joined.outbox.server.seen()
    back = joined.outbox.joined()
    assert back
    assert back.away_at is None


def test_a_call_that_is_deleted_here_is_to_be_deleted_at_the_server_in_the_same_transaction(
    joined: Store, settings: Settings, tmp_path: Path
) -> None:
    known, unknown = added(joined, "known"), added(joined, "unknown")
    joined.outbox.adopt()
    joined.records.cancel(unknown.id)
    eraser = Eraser(settings, joined, Library(settings, joined))
    eraser.mark([known.id])
    assert joined.outbox.due() is None
    assert joined.outbox.deletions() == []
    eraser.resume()
    assert joined.records.find(known.id) is None
    assert joined.outbox.deletions() == [known.session_id]
    joined.outbox.deletion_done(known.session_id)
    assert joined.outbox.deletions() == []


@pytest.mark.parametrize("happens", [Outbox.leave, Outbox.begin_anew])
def test_a_file_stays_if_the_server_is_left_or_has_lost_it_while_it_is_hashed(
    joined: Store, settings: Settings, happens: Callable[[Outbox], None]
) -> None:
    path = settings.inbox / "call.wav"
    path.write_bytes(b"spoken")
    record = joined.records.add(source="inbox", title="call", recording_path=str(path))
    joined.outbox.adopt()
    joined.outbox.take(record.id, sha256(b"spoken").hexdigest())

    def meanwhile() -> None:
        happens(joined.outbox)
        joined.disconnect()  # a thread of its own hashes

    asyncio.run(SentAudio(settings, joined, meanwhile).delete())
    assert path.read_bytes() == b"spoken"

    joined.outbox.take(record.id, sha256(b"spoken").hexdigest())
    asyncio.run(SentAudio(settings, joined, lambda: None).delete())
    assert path.exists() is not joined.outbox.is_joined()
