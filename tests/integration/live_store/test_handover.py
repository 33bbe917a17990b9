"""A record takes over what was decoded of its call while it was recorded."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from shared.errors import ClaimLost
from shared.store.store import Store
from tests.integration.live_store.calls import RECIPE, begin, follow, hang_up, save, window
from tests.integration.records.operations import claim
from tests.stage import ROOT
from tests.tables import LiveCall, LiveWindow, execute, use

WINDOWS = [window(0.0, "Guten", "Morgen"), window(2.0, "Frau", "Okafor")]

TAKES = """
import sys
from pathlib import Path
from shared.store.store import Store
from tests.deaths import die_before_statement

store = Store.open(Path(sys.argv[1]))
claim = store.claims.claim(1, worker_id="w", model="m", lease_seconds=60)
die_before_statement(int(sys.argv[2]))
print(store.live.take_over(claim, sys.argv[3]))
"""


def recorded(store: Store, recipe: str = RECIPE) -> str:
    """Record a call and decode it meanwhile; return its session id."""
    live = follow(store, begin(store), recipe)
    save(store, live, *WINDOWS)
    store.live.end(live, language="de", language_probability=0.9, flags=("prompt_cut",))
    return live.session_id


def left() -> tuple[int, int]:
    return LiveCall.select().count(), LiveWindow.select().count()


def test_a_record_has_the_windows_language_and_flags_of_its_live_call(store: Store):
    record = hang_up(store, recorded(store))
    store.records.note_move(record.id, record.recording_path, {"flags": '["cut_short"]'})

    moved = store.live.take_over(claim(store, record), RECIPE)

    assert (moved, store.transcripts.windows(record.id)) == (2, WINDOWS)
    found = store.records.get(record.id)
    assert (found.language, found.language_probability) == ("de", 0.9)
    assert found.flags == ("cut_short", "prompt_cut")
    assert left() == (0, 0)


def test_what_another_recipe_has_decoded_is_not_taken_and_goes(store: Store):
    record = hang_up(store, recorded(store, "small, careful"))

    assert store.live.take_over(claim(store, record), RECIPE) == 0

    assert (store.transcripts.windows(record.id), store.records.get(record.id).language) == ([], None)
    assert left() == (0, 0)


def test_a_record_that_has_windows_keeps_them(store: Store):
    record = hang_up(store, recorded(store))
    held = claim(store, record)
    own = [window(0.0, "Good", "morning")]
    store.claims.save_windows(held, own, language="en")

    assert store.live.take_over(held, RECIPE) == 0

    assert (store.transcripts.windows(record.id), store.records.get(record.id).language) == (own, "en")
    assert left() == (0, 0)


def test_a_record_without_a_live_call_takes_nothing(store: Store):
    record = store.records.add(source="added", title="call", recording_path="/call.wav")

    assert store.live.take_over(claim(store, record), RECIPE) == 0


def test_a_worker_that_has_lost_the_record_takes_nothing(store: Store):
    record = hang_up(store, recorded(store))
    lost = claim(store, record)
    store.claims.hand_back(lost)

    with pytest.raises(ClaimLost):
        store.live.take_over(lost, RECIPE)

    assert (store.transcripts.windows(record.id), left()) == ([], (1, 2))


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "column", ["segments = '[{'", "segments = '[]['", "start_seconds = 'x'", "channel = 'left'"]
)
def test_nothing_is_taken_if_a_window_is_damaged(store: Store, column: str):
    record = hang_up(store, recorded(store))
    execute(f"UPDATE live_windows SET {column} WHERE start_seconds = 2.0")

    assert store.live.take_over(claim(store, record), RECIPE) == 0

    assert (store.transcripts.windows(record.id), left()) == ([], (0, 0))


@pytest.mark.parametrize(
    "change",
    [
        lambda store, it: store.records.revise(it.id, {"model": "small"}),
        lambda store, it: store.records.replace_content(it.recording_path, {"sha256": "new"}),
        lambda store, it: store.records.delete(it.id),
    ],
    ids=["options", "content", "deleted"],
)
def test_what_was_decoded_goes_with_the_options_or_the_recording_that_it_is_of(store: Store, change):
    record = hang_up(store, recorded(store))

    change(store, record)

    assert left() == (0, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize(("recipe", "moved"), [(RECIPE, 2), ("small, careful", 0)])
def test_a_death_before_any_statement_moves_all_windows_or_none(tmp_path: Path, recipe: str, moved: int):
    path = tmp_path / "offhook.db"
    with use(Store.open(path)) as store:
        record = hang_up(store, recorded(store))
    deaths = 0
    while True:
        command = [sys.executable, "-c", TAKES, str(path), str(deaths), recipe]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        with use(Store.open(path)) as store:
            if done.returncode == 0:
                break
            assert done.returncode == -signal.SIGKILL, done.stderr
            assert (store.transcripts.windows(record.id), left()) == ([], (1, 2)), deaths
            assert store.records.get(record.id).language is None
            (held,) = store.records.processing()
            execute("UPDATE call_records SET transcription_status = 'queued' WHERE id = ?", (held.id,))
        deaths += 1
    assert deaths >= 2
    assert done.stdout == f"{moved}\n"
    with use(Store.open(path)) as store:
        assert (len(store.transcripts.windows(record.id)), left()) == (moved, (0, 0))
