"""A long call becomes the same file as a short one, in a process of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from archive.exports import FORMATS
from offhook.desk import exporting
from offhook.desk.desk import Desk
from offhook.desk.exporting import MOST_AT_ONCE, ExportFailed, ExportsBusy, UnknownFormat, export
from shared.errors import StateConflict
from shared.store.store import Store
from tests.integration.commands.spoken import spoken
from tests.waiting import until

TEXTS = [form for form, it in FORMATS.items() if it.text]


@pytest.mark.parametrize("form", TEXTS)
def test_a_file_is_the_same_whichever_process_writes_it(
    desk: Desk, store: Store, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFHOOK_MY_NAME", "Ada")  # as this desk has it
    spoken(desk.settings, store, "Zoë: a call?")
    short = export(desk, 1, form)
    assert isinstance(short.content, bytes)
    monkeypatch.setattr(exporting, "SHORT_WORDS", 0)
    long = export(desk, 1, form)
    assert not isinstance(long.content, bytes)
    assert b"".join(long.content) == short.content
    assert long.name == short.name == f"Zoë_ a call_.{form}"


def test_a_process_that_cannot_write_is_an_error_and_no_empty_file(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = spoken(desk.settings, store)
    monkeypatch.setattr(exporting, "SHORT_WORDS", 0)
    with pytest.raises(ExportFailed):
        exporting._written_elsewhere(desk, replace(record, id=99), "txt")


def test_what_is_no_format_or_not_completed_is_refused(desk: Desk, store: Store) -> None:
    spoken(desk.settings, store)
    with pytest.raises(UnknownFormat):
        export(desk, 1, "exe")
    store.records.requeue(1)
    with pytest.raises(StateConflict):
        export(desk, 1, "txt")


def test_only_a_few_long_calls_are_written_at_once(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = (("me", "One word after another. " * 500), ("them", "And so on. " * 1000)) * 20
    record = spoken(desk.settings, store, "Long", said)
    monkeypatch.setattr(exporting, "SHORT_WORDS", 0)
    unread = [iter(export(desk, record.id, "json").content) for _ in range(MOST_AT_ONCE)]
    with pytest.raises(ExportsBusy):
        export(desk, record.id, "json")
    unread.pop()
    until(lambda: is_written(desk, record.id), "a place is free")


def is_written(desk: Desk, record_id: int) -> bool:
    try:
        content = export(desk, record_id, "json").content
    except ExportsBusy:
        return False
    assert not isinstance(content, bytes)
    return sum(map(len, content)) > 100_000
