"""How the speakers of a recording are called: by the name a person gave, or by what is known of the call."""

from __future__ import annotations

from shared import titles
from shared.speakers import ME, THEM
from shared.store.store import Store
from shared.store.values import Record


def names_of(store: Store, record: Record, my_name: str) -> dict[str, str]:
    """Return the names of a record's speakers, as far as they are known.

    Without a name from a person, `me` has `my_name`, and the far side of a call that capture recorded has the
    candidate's id or the title.
    """
    return known(record, my_name) | store.overlays.names(record.id)


def known(record: Record, my_name: str) -> dict[str, str]:
    """Return the names that are known without a person."""
    far = ""
    if record.is_capture:
        far = record.candidate_id or (record.title if titles.is_given(record.title) else "")
    return {speaker: name for speaker, name in ((ME, my_name), (THEM, far)) if name.strip()}
