"""How calls stand, as their workstations are told."""

from __future__ import annotations

from collections.abc import Iterable

from archive.team_messages import CallNews
from shared.store.changes import RecordChange
from shared.store.store import Store
from shared.store.values import Record


def news_of(store: Store, changes: Iterable[RecordChange]) -> list[CallNews]:
    """Describe the calls of some changes as they stand now; a deleted one by its change alone."""
    wanted = list(changes)
    records = {it.id: it for it in store.records.some([change.record_id for change in wanted])}
    found = (_news(change, records.get(change.record_id)) for change in wanted)
    return [it for it in found if it]


def news_of_record(store: Store, record: Record) -> CallNews:
    """Describe a call as it stands now."""
    change = store.changes.of_record(record.id)
    return _described(record, change.seq if change else 0, change.words_seq if change else 0)


def last_of_each(news: Iterable[CallNews]) -> list[CallNews]:
    """Return the last news of each call, in the order of those."""
    last: dict[int, CallNews] = {}
    for each in news:
        last.pop(each.record_id, None)
        last[each.record_id] = each
    return list(last.values())


def _news(change: RecordChange, record: Record | None) -> CallNews | None:
    """Describe a call; None if it is deleted and nobody knows which it was."""
    if record:
        return _described(record, change.seq, change.words_seq)
    if change.session_id is None:
        return None
    return CallNews(change.session_id, change.record_id, change.seq, is_deleted=True)


def _described(record: Record, seq: int, words_seq: int) -> CallNews:
    return CallNews(
        record.session_id,
        record.id,
        seq,
        record.transcription_status,
        record.progress,
        record.error_code,
        record.transcription_error,
        words_seq,
    )
