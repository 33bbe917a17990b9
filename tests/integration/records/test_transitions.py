"""A recording moves only from the states of the table."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.errors import ClaimLost, RecordNotFound, StateConflict
from shared.store.store import Store
from shared.store.transitions import CANCELLED, PROCESSING, STATES, TRANSITIONS
from tests.integration.records.operations import bring_to, operation, snapshot
from tests.tables import Record, execute


@pytest.mark.parametrize("name", TRANSITIONS)
@pytest.mark.parametrize("state", STATES)
def test_a_recording_moves_only_from_the_states_of_the_table(
    store: Store, add: Callable[..., Record], state: str, name: str
):
    held = bring_to(store, state, add())
    transition = TRANSITIONS[name]
    # Even the right token moves nothing out of the wrong state.
    execute("UPDATE call_records SET claim_token = ?", (held.token,))
    before = snapshot(store)

    if state in transition.sources:
        operation(store, name, held)
        assert store.records.get(held.record.id).transcription_status == transition.target
        return
    if name == "claim":
        assert operation(store, name, held) is None
    else:
        with pytest.raises(StateConflict if name in ("requeue", "cancel") else ClaimLost):
            operation(store, name, held)
    assert snapshot(store) == before


@pytest.mark.parametrize("name", ["requeue", "cancel"])
def test_a_refusal_says_which_recording_and_what_state(store: Store, add: Callable[..., Record], name: str):
    held = bring_to(store, CANCELLED if name == "cancel" else PROCESSING, add())

    with pytest.raises(StateConflict, match=f"Recording {held.record.id} is (processing|cancelled)"):
        operation(store, name, held)


@pytest.mark.parametrize("name", ["get", "requeue", "cancel", "delete"])
def test_a_recording_that_is_not_there_is_said_to_be_missing(store: Store, name: str):
    with pytest.raises(RecordNotFound, match="There is no recording 7"):
        getattr(store.records, name)(7)
