"""Makes labels of recordings again, from what is stored: words, loudness of both sides, turns of voices."""

from __future__ import annotations

from offhook.desk.changes import write_again
from offhook.desk.desk import Desk
from shared.store.values import Record
from transcribe_worker.speakers.labelling import Evidence, labels


def relabel(desk: Desk, record: Record) -> bool:
    """Make the labels of a recording again; labels of persons stay. Return whether some are others now."""
    store = desk.store
    evidence = Evidence(
        is_capture=record.is_capture,
        levels=store.captures.levels(record.session_id),
        turns=store.overlays.voice_turns(record.id),
    )
    found = labels(store.transcripts.segments(record.id), evidence)
    is_changed = store.edits.relabel(record, found)
    if is_changed:
        write_again(desk, record.id)
    return is_changed
