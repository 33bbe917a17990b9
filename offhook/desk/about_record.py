"""What a person sees of a record beside its transcript, in words."""

from __future__ import annotations

from typing import Any

from archive.exports import FORMATS
from archive.names import names_of
from offhook.desk.capture_quality import in_words
from offhook.desk.desk import Desk
from offhook.desk.edit_text import unplaced_in_words
from offhook.desk.views import FLAGS, record_view
from shared.store.values import Record


def about_record(desk: Desk, record: Record) -> dict[str, Any]:
    """Describe a record for its page: its row, remarks on how it was captured and read, and its exports.

    `remarks` are pairs of a heading and a sentence; `unplaced` are sentences about changes of persons that
    found no place in the present transcript.
    """
    names = names_of(desk.store, record, desk.settings.my_name)
    return {
        "record": record_view(record, desk.settings),
        "remarks": _remarks(desk, record),
        "unplaced": [unplaced_in_words(it, names) for it in desk.store.carrying.unplaced(record.id)],
        "formats": list(FORMATS),
    }


def _remarks(desk: Desk, record: Record) -> list[tuple[str, str]]:
    verdict = desk.store.captures.verdict(record.session_id)
    flags = [("Note", FLAGS.get(flag, flag)) for flag in record.flags]
    return [*(in_words(verdict) if verdict else ()), *flags]
