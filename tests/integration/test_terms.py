"""The terms for the model to listen for: of the recording and the glossary, and names if they are wanted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from archive import glossary
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from tests.integration.commands.calling import Cli
from transcribe_worker.jobs.recipe import effective_options
from transcribe_worker.jobs.terms import with_terms

TEXT = "Okafor\n# all of these\n  Series   A  # a round\n\nOkafor\nGröße\n"


def hotwords(settings: Settings, store: Store, record: Record) -> str:
    return with_terms(effective_options(record, settings), settings, store, record).hotwords


def call(store: Store, **columns: Any) -> Record:
    given = {"source": "capture", "title": "Ada Lovelace", "recording_path": "/call.wav"}
    return store.records.add(**{**given, **columns})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_glossary_follows_what_was_chosen_and_says_nothing_twice(
    settings: Settings, store: Store, encoding: str
) -> None:
    settings.glossary.write_bytes(TEXT.encode(encoding))
    assert hotwords(settings, store, call(store)) == "Okafor, Series A, Größe"
    chosen = call(store, recording_path="/b.wav", options={"hotwords": "Weber, Okafor"})
    assert hotwords(settings, store, chosen) == "Weber, Okafor, Series A, Größe"


def test_without_a_glossary_nothing_is_added(settings: Settings, store: Store) -> None:
    assert hotwords(settings, store, call(store)) == ""


def test_a_change_of_the_glossary_counts_from_the_next_recording_on(settings: Settings, store: Store) -> None:
    settings.glossary.write_text("one\n")
    assert hotwords(settings, store, call(store)) == "one"
    settings.glossary.write_text("two\n")
    assert hotwords(settings, store, call(store, recording_path="/b.wav")) == "two"


def test_names_are_not_given_to_the_model_unless_they_are_asked_for(settings: Settings, store: Store) -> None:
    record = call(store, candidate_id="C-17")
    store.overlays.rename(record.id, "them 2", "Charles Babbage")
    named = replace(settings, my_name="Max Müller")
    assert hotwords(named, store, record) == ""
    assert hotwords(replace(named, names_as_hotwords=True), store, record) == "Max Müller, Charles Babbage"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"Gr\xf6\xdfe\n", b"x" * 1_000_001])
def test_a_glossary_that_cannot_be_read_is_named_and_stops_no_recording(
    settings: Settings, store: Store, content: bytes
) -> None:
    settings.glossary.write_bytes(content)
    assert hotwords(settings, store, call(store, options={"hotwords": "Weber"})) == "Weber"
    said = Cli(settings.home)("doctor").out
    assert f"{settings.glossary} cannot be read. Make it a text file" in said


def test_doctor_counts_the_terms_of_the_glossary(settings: Settings) -> None:
    settings.glossary.write_text(TEXT)
    assert "3 terms to listen for in the glossary" in Cli(settings.home)("doctor").out


def test_a_term_is_added_once_after_those_that_are_there(settings: Settings) -> None:
    settings.glossary.write_text("# mine\nOkafor")
    assert glossary.add(settings.glossary, " Ada  Lovelace ")
    assert not glossary.add(settings.glossary, "Ada Lovelace")
    assert settings.glossary.read_text() == "# mine\nOkafor\nAda Lovelace\n"
