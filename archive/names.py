"""How the speakers of a recording are called: by the name a person gave, or by what is known of the call."""

from __future__ import annotations

from collections.abc import Mapping

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
    if record.is_capture:
        return known_of_call(record.candidate_id, record.title, my_name)
    return _given({ME: my_name})


def known_of_call(candidate_id: str | None, title: str, my_name: str) -> dict[str, str]:
    """Return the names that are known of a call that is recorded, or was."""
    return _given({ME: my_name, THEM: candidate_id or (title if titles.is_given(title) else "")})


def _given(names: Mapping[str, str]) -> dict[str, str]:
    return {speaker: name for speaker, name in names.items() if name.strip()}
