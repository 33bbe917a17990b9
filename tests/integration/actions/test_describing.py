"""A person gives a recording a title, a candidate and a project."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from archive.library import Library
from offhook.desk.describing import LONGEST, BadDescription, describe
from offhook.desk.desk import Desk
from shared.errors import RecordNotFound
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.erasing.calls import make_call
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.jobs.sweeper import ARCHIVING_SECONDS, Sweeper


def test_what_is_given_is_changed_and_nothing_else(desk: Desk, store: Store) -> None:
    record = store.records.add(
        source="added", title="old", recording_path="/a.wav", candidate_id="C-1", project_id="P-1"
    )
    describe(desk, record.id, title="  new\ttitle ", candidate_id="")

    found = store.records.get(record.id)
    assert (found.title, found.candidate_id, found.project_id) == ("new title", None, "P-1")


def test_the_next_sweep_writes_the_new_title_into_the_files_in_the_library(
    desk: Desk, store: Store, settings: Settings
) -> None:
    def later() -> float:  # the worker that has completed it may archive it until then
        return time.time() + ARCHIVING_SECONDS

    record = make_call(settings, store, "Old title", "harbour")
    written = settings.library / f"{record.library_stem}.json"

    describe(desk, record.id, title="New title")
    assert "Old title" in written.read_text("utf-8")  # a page does not wait for the files of a long call
    with closing(HintQueue(settings.queue)) as hints:
        Sweeper(settings, store, hints, Library(settings, store), clock=later).sweep()

    assert "New title" in written.read_text("utf-8")
    assert Path(store.records.get(record.id).recording_path).is_file()
    assert store.records.get(record.id).library_stem == record.library_stem


@pytest.mark.parametrize("text", ["", " \t", "x" * (LONGEST + 1)])
def test_a_title_that_says_nothing_or_too_much_is_refused(desk: Desk, store: Store, text: str) -> None:
    record = store.records.add(source="added", title="old", recording_path="/a.wav")

    with pytest.raises(BadDescription):
        describe(desk, record.id, title=text)
    assert store.records.get(record.id).title == "old"


def test_a_record_that_there_is_not_has_no_title(desk: Desk, store: Store) -> None:
    with pytest.raises(RecordNotFound):
        describe(desk, 4711, title="new")
