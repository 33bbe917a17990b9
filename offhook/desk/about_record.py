"""What a person sees of a record beside its transcript, in words."""

from __future__ import annotations

from typing import Any

from archive.exports import FORMATS
from archive.names import names_of
from offhook.desk.capture_quality import in_words
from offhook.desk.desk import Desk
from offhook.desk.drafts import orphans
from offhook.desk.edit_text import unplaced_in_words
from offhook.desk.listing import row_of
from offhook.desk.notes import note_view, notes
from offhook.desk.speaker_shares import shares
from offhook.desk.views import FLAGS, record_view
from shared.store.values import Record


def about_record(desk: Desk, record: Record) -> dict[str, Any]:
    """Describe a record for its page: its row, remarks on how it was captured and read, and its exports.

    `remarks` are pairs of a heading and a sentence; `unplaced` are sentences about changes of persons that
    found no place in the present transcript, and `orphan_drafts` are typed texts whose passages are gone.
    """
    names = names_of(desk.store, record, desk.settings.my_name)
    return {
        "record": record_view(record, desk.settings),
        "remarks": _remarks(desk, record),
        "unplaced": [unplaced_in_words(it, names) for it in desk.store.carrying.unplaced(record.id)],
        "orphan_drafts": orphans(desk, record.id),
        "formats": list(FORMATS),
    }


def details(desk: Desk, record_id: int) -> dict[str, Any]:
    """Describe a record for programs: its row, and all that is said of it beside its words.

    `names` are by speaker, `cast` has each speaker with a sample, and `edits` is the number of changes that
    can be undone. Raises RecordNotFound.
    """
    record = desk.store.records.get(record_id)
    about = about_record(desk, record)
    del about["record"]
    return {
        **row_of(desk, record_id),
        **about,
        "names": names_of(desk.store, record, desk.settings.my_name),
        "cast": shares(desk, record),
        "notes": [note_view(it) for it in notes(desk, record_id)],
        "edits": len(desk.store.edits.of_record(record_id)),
    }


def _remarks(desk: Desk, record: Record) -> list[tuple[str, str]]:
    verdict = desk.store.captures.verdict(record.session_id)
    flags = [("Note", FLAGS.get(flag, flag)) for flag in record.flags]
    return [*(in_words(verdict) if verdict else ()), *flags]
