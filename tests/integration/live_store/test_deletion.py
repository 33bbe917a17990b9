"""No byte of what was decoded of a call while it was recorded stays when the call is deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.erasing import Eraser
from archive.library import Library
from shared.settings import Settings
from shared.store.live import LiveClaim
from shared.store.store import Store
from tests.integration.erasing.calls import CANDIDATE, SAID, TITLE, dead_capture, notes
from tests.integration.live_store.calls import CONTENT, RECIPE, follow, save, window, words_of
from tests.integration.records.operations import claim
from tests.remains import remains
from tests.stage import Stage
from tests.tables import LiveCall, LiveWindow

pytestmark = pytest.mark.sqlite

MAYBE = "flügelhorn"
FORGOTTEN = (*SAID, MAYBE, TITLE)


def decoded(settings: Settings, store: Store, state: str, *said: str) -> LiveClaim:
    """A call of which a part is final, and a part provisional, whose recorder and worker have died."""
    part = dead_capture(settings, store.captures, "recording")
    live = follow(store, part.stem)
    save(store, live, *(window(float(number), word) for number, word in enumerate(said)))
    store.live.note(live, words_of(window(float(len(said)), MAYBE), is_final=False))
    store.captures.change(part.stem, state=state)
    return live


def forget(settings: Settings, store: Store) -> None:
    eraser = Eraser(settings, store, Library(settings, store))
    assert eraser.scrub(patience_seconds=10.0)
    assert notes() == []


@pytest.mark.parametrize("state", ["recording", "waiting", "ended"])
def test_a_call_that_is_not_in_the_queue_yet_goes_with_what_was_heard(
    settings: Settings, store: Store, stage: Stage, state: str
) -> None:
    live = decoded(settings, store, state, *SAID)
    (settings.recording / f"{live.session_id}.part").write_bytes(b"audio")
    assert {word for _, word in remains(settings.home, FORGOTTEN)} == set(FORGOTTEN)

    done = stage.offhook("delete", "--candidate", CANDIDATE, "--yes")

    assert (done.returncode, done.stderr) == (0, "")
    assert remains(settings.home, FORGOTTEN) == set()
    assert (LiveCall.select().count(), LiveWindow.select().count()) == (0, 0)


def test_a_queued_call_goes_with_what_it_has_not_taken_over(
    settings: Settings, store: Store, stage: Stage
) -> None:
    live = decoded(settings, store, "ended", *SAID)
    record = store.captures.queue(live.session_id, CONTENT)

    done = stage.offhook("delete", str(record.id), "--yes")

    assert (done.returncode, done.stderr) == (0, "")
    assert remains(settings.home, FORGOTTEN) == set()


def test_a_call_that_a_worker_transcribes_goes_with_what_it_has_taken_over(
    settings: Settings, store: Store, stage: Stage
) -> None:
    live = decoded(settings, store, "ended", *SAID)
    record = store.captures.queue(live.session_id, CONTENT)
    assert store.live.take_over(claim(store, record), RECIPE) == len(SAID)

    done = stage.offhook("delete", str(record.id), "--yes")

    assert (done.returncode, done.stderr) == (0, "")
    assert remains(settings.home, FORGOTTEN) == set()


def test_a_discarded_call_leaves_no_word(settings: Settings, store: Store) -> None:
    live = decoded(settings, store, "waiting", *SAID)
    kept = decoded(settings, store, "waiting", "harbour")

    store.captures.discard(live.session_id)
    (settings.recording / f"{live.session_id}.part").unlink()
    forget(settings, store)

    assert remains(settings.home, SAID) == set()
    assert [it.text for it in store.live.words(kept.session_id)] == [" harbour", f" {MAYBE}"]


def test_a_backup_has_what_was_decoded_and_its_home_has_no_worker_for_it(
    settings: Settings, store: Store
) -> None:
    live = decoded(settings, store, "waiting", *SAID)

    store.relocation.move(str(settings.home), Path("/another/home"))

    found = store.live.find(live.session_id)
    assert found
    assert (found.token, found.worker_id, found.host, found.lease_expires_at) == (None, None, None, None)
    assert len(store.live.windows(live.session_id)) == len(SAID)
    assert follow(store, live.session_id, worker_id="worker-2").call.final_seconds == len(SAID)
