"""Who decodes a call while it is recorded, and what a worker that has lost it cannot write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.errors import ClaimLost
from shared.store.live import ENDED, FOLLOWING, OFF, LiveClaim, LiveWord
from shared.store.store import Store
from tests.integration.live_store.calls import RECIPE, begin, follow, hang_up, save, window, words_of
from tests.integration.records.operations import Clock, at_once
from tests.tables import LiveCall, LiveWindow, by_clock

WRITES: dict[str, Callable[[Store, LiveClaim], Any]] = {
    "renew": lambda store, claim: store.live.renew(claim, lease_seconds=60, behind_seconds=2.0),
    "save_windows": lambda store, claim: save(store, claim, window(2.0, "later")),
    "note": lambda store, claim: store.live.note(claim, [LiveWord(2000, 2500, " maybe", None, False)]),
    "release": lambda store, claim: store.live.release(claim),
    "end": lambda store, claim: store.live.end(claim, final_seconds=9.0),
    "switch_off": lambda store, claim: store.live.switch_off(claim, "too slow"),
    "crashed": lambda store, claim: store.live.crashed(claim),
}


def rows() -> list[list[tuple[Any, ...]]]:
    return [list(table.select().tuples()) for table in (LiveCall, LiveWindow)]


def claimed(store: Store, session_id: str, recipe: str = RECIPE) -> LiveClaim | None:
    return store.live.claim(session_id, worker_id="w", recipe=recipe, model="m", lease_seconds=60)


def test_a_claim_notes_whose_the_call_is_and_for_how_long(store: Store):
    clock = Clock()
    store = by_clock(store, clock)
    claim = follow(store, begin(store))

    found = store.live.find(claim.session_id)

    assert found == claim.call
    assert (found.state, found.token, found.worker_id) == (FOLLOWING, claim.token, "worker-1")
    assert (found.host, found.recipe, found.model) == (store.host, RECIPE, "tiny.en")
    assert (found.lease_expires_at, found.updated_at) == (clock.now + 60, clock.now)
    clock.now += 20
    store.live.renew(claim, lease_seconds=60)
    assert store.live.held() == [replace(found, lease_expires_at=clock.now + 60, updated_at=clock.now)]


def test_of_eight_workers_that_claim_a_call_at_once_one_has_it(store: Store):
    session_id = begin(store)

    first = at_once(store, [lambda: claimed(store, session_id)] * 8)
    (held,) = [it for it in first if it is not None]
    store.live.release(held)
    second = at_once(store, [lambda: claimed(store, session_id)] * 8)

    assert len([it for it in second if it is not None]) == 1


def test_only_a_call_that_is_recorded_or_that_a_worker_has_left_can_be_claimed(store: Store):
    ended, off, left, over = (begin(store) for _ in range(4))
    store.live.end(follow(store, ended))
    store.live.switch_off(follow(store, off), "too slow")
    store.live.release(follow(store, left))
    hang_up(store, left)
    hang_up(store, over)

    assert [claimed(store, it) is not None for it in (ended, off, left, over, "none")] == [
        *(False, False, True, False, False)
    ]
    assert store.live.find(ended).state == ENDED  # type: ignore[union-attr]
    found = store.live.find(off)
    assert found
    assert (found.state, found.why, found.token) == (OFF, "too slow", None)


def test_another_recipe_forgets_what_was_decoded_and_the_same_one_goes_on(store: Store):
    session_id = begin(store)
    first = follow(store, session_id)
    store.live.save_windows(first, [window(0.0, "Guten")], [[]], language="de", flags=("prompt_cut",))
    store.live.note(first, [LiveWord(1000, 1500, " Morgen", None, False)])
    store.live.release(first)

    same = follow(store, session_id)
    assert (same.call.language, same.call.flags) == ("de", ("prompt_cut",))
    assert len(store.live.windows(session_id)) == 1
    store.live.release(same)
    other = follow(store, session_id, "small, careful")

    assert (other.call.language, other.call.flags, other.call.final_seconds) == (None, (), 0.0)
    assert (store.live.windows(session_id), store.live.words(session_id)) == ([], [])


@pytest.mark.parametrize("write", WRITES)
def test_a_worker_that_has_lost_its_call_writes_nothing(store: Store, write: str):
    lost = follow(store, begin(store))
    save(store, lost, window(0.0, "kept", "words"))
    assert store.live.free(lost.session_id, lost.token)
    follow(store, lost.session_id, worker_id="worker-2")
    before = rows()

    with pytest.raises(ClaimLost):
        WRITES[write](store, lost)

    assert rows() == before
    assert not store.live.free(lost.session_id, lost.token)


@pytest.mark.parametrize("write", WRITES)
def test_nothing_is_written_of_a_call_that_is_deleted(store: Store, write: str):
    lost = follow(store, begin(store))
    store.captures.discard(lost.session_id)

    with pytest.raises(ClaimLost):
        WRITES[write](store, lost)

    assert rows() == [[], []]


def test_a_worker_that_has_ended_counts_as_a_crash_and_another_goes_on(store: Store):
    first = follow(store, begin(store))
    save(store, first, window(0.0, "kept", "words"))
    assert store.live.crashed(first) == 1

    assert store.live.free(first.session_id, first.token)
    second = follow(store, first.session_id, worker_id="worker-2")

    assert (second.call.crashes, second.call.final_seconds) == (2, 2.0)
    assert [it.token for it in store.live.held()] == [second.token]


def test_what_a_person_can_see_has_a_new_revision_and_a_lease_has_none(store: Store):
    claim = follow(store, begin(store))
    seen = [store.live.revision(claim.session_id)]
    for write in (
        lambda: store.live.renew(claim, lease_seconds=60),
        lambda: store.live.renew(claim, lease_seconds=60, yields="disk_late"),
        lambda: save(store, claim, window(0.0, "one")),
        lambda: store.live.note(claim, words_of(window(1.0, "two"), is_final=False)),
        lambda: store.live.end(claim),
    ):
        write()
        seen.append(store.live.revision(claim.session_id))

    assert seen == [0, 0, 1, 2, 3, 4]
    assert store.live.revision("none") is None
