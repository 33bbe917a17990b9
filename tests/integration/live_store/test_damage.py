"""Damaged values of live calls count as nothing, and are named."""

from __future__ import annotations

import pytest

from shared.store.sqlite.inspection import damaged_values
from shared.store.store import Store
from tests.integration.live_store.calls import RECIPE, begin, follow, hang_up, save, window
from tests.integration.records.operations import claim
from tests.tables import execute

pytestmark = pytest.mark.sqlite

DEEP = "[" * 989 + "]" * 989
#: Changes to rows.
DAMAGE = {
    "numbers as texts": "live_calls SET final_seconds = 'x', heard_seconds = 'x', behind_seconds = 'x',"
    " crashes = 'x', revision = 'x', lease_expires_at = 'x', updated_at = 'x', speed = 'x'",
    "numbers as bytes": "live_calls SET final_seconds = x'ff', crashes = x'ff', revision = x'ff'",
    "endless numbers": "live_calls SET final_seconds = 9e999, revision = 9e999, crashes = 1e300",
    "texts as bytes": "live_calls SET state = x'ff', why = x'ff', recipe = x'ff', language = x'ff'",
    "texts not UTF-8": "live_calls SET state = CAST(x'ff' AS TEXT), recipe = CAST(x'ff' AS TEXT)",
    "no JSON": "live_calls SET flags = '{]', provisional = '[[1'",
    "deep JSON": f"live_calls SET flags = '{DEEP}', provisional = '{DEEP}'",
    "other JSON": "live_calls SET flags = '{\"a\": 1}', provisional = '{\"a\": 1}'",
    "times of a window": "live_windows SET start_seconds = 'x', end_seconds = x'ff'",
    "channel of a window": "live_windows SET channel = 'left'",
    "segments of a window": "live_windows SET segments = '[{'",
    "words of a window": "live_windows SET words = '[['",
    "bytes of a window": "live_windows SET segments = x'ff', words = x'ff'",
    "deep JSON of a window": f"live_windows SET segments = '{DEEP}', words = '{DEEP}'",
}
#: Those within lists are not looked for.
DEEPER_DAMAGE = {
    "flags": "live_calls SET flags = '[1]'",
    "provisional words": 'live_calls SET provisional = \'[1, [], [1, 2, 3, 4], ["0", 1, " a", null]]\'',
    "words": 'live_windows SET words = \'[1, [0, 1, 2, null], [0, 1, " a", 1], [null, 1, " a", null]]\'',
    "segments": "live_windows SET segments = '[1, {\"text\": 1}]'",
    "an endless time": "live_windows SET stretch_seconds = 9e999",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_value_is_named(store: Store, damage: str):
    save(store, follow(store, begin(store)), window(0.0, "kept"))
    assert damaged_values(store.database.path) == []

    execute(f"UPDATE {DAMAGE[damage]}")

    assert damaged_values(store.database.path)


@pytest.mark.parametrize("change", (DAMAGE | DEEPER_DAMAGE).values(), ids=(DAMAGE | DEEPER_DAMAGE).keys())
def test_a_damaged_row_keeps_nobody_from_anything(store: Store, change: str):
    held = follow(store, begin(store))
    save(store, held, window(0.0, "kept"))
    record = hang_up(store, held.session_id)
    execute(f"UPDATE {change}")

    assert store.live.find(held.session_id)
    assert len(store.live.held()) == 1
    assert {it.text for it in store.live.words(held.session_id)} <= {" kept"}
    assert len(store.live.windows(held.session_id)) == 1
    assert isinstance(store.live.revision(held.session_id), int)
    store.live.crashed(held)
    store.live.note(held, [])
    store.live.release(held)
    store.live.claim(held.session_id, worker_id="w", recipe=RECIPE, model="m", lease_seconds=60)
    assert store.live.take_over(claim(store, record), RECIPE) in (0, 1)
    assert store.live.find(held.session_id) is None


def test_a_damaged_word_is_left_out_and_the_others_stay(store: Store):
    held = follow(store, begin(store))
    save(store, held, window(0.0, "kept"))
    execute('UPDATE live_windows SET words = \'[[1, 2, 3, null], [0, 500, " kept", "me"]]\'')

    assert [(it.text, it.speaker) for it in store.live.words(held.session_id)] == [(" kept", "me")]


def test_damaged_answers_of_a_capture_count_as_none(store: Store):
    session_id = begin(store)
    store.captures.change(session_id, live=False, strain="disk_late")
    found = store.captures.get(session_id)
    assert (found.live, found.strain) == (False, "disk_late")

    execute("UPDATE captures SET live = 'x', strain = x'ff'")

    assert store.captures.get(session_id).live is None
    assert len(damaged_values(store.database.path)) == 2
