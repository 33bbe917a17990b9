"""Which files in the inbox are recordings."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from shared.files import sha256_of
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.inbox.files import SETTLE_SECONDS, Clock, outcomes, put, recording, taken
from tests.tables import Record
from transcribe_worker.inbox.sweep import SWEEP_EVERY_SECONDS, Inbox
from transcribe_worker.jobs.hints import HintQueue

# What is a recording


def test_a_file_that_is_renamed_from_a_temporary_name_is_taken(
    inbox: Inbox, store: Store, settings: Settings
):
    path = put(settings.inbox, "call.wav.tmp")
    inbox.sweep()
    assert taken(store) == []
    path.rename(settings.inbox / "call.wav")
    inbox.sweep()

    assert taken(store) == ["call.wav"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names, links and pipes")
def test_what_is_no_recording_is_left_alone(
    inbox: Inbox, store: Store, settings: Settings, clock: Clock, tmp_path: Path
):
    outside = put(tmp_path, "outside.wav")
    put(settings.inbox, ".hidden.wav")
    put(settings.inbox, ".wav")
    for name in "a.wav.part", "a.part", "a.tmp", "notes.txt", "wav", "a.wav~", "a.crdownload", "desktop.ini":
        put(settings.inbox, name)
    (settings.inbox / "folder.wav").mkdir()
    put(settings.inbox / "folder.wav", "inside.wav")
    (settings.inbox / "link.wav").symlink_to(outside)
    (settings.inbox / "dangling.wav").symlink_to(tmp_path / "nowhere")
    os.mkfifo(settings.inbox / "pipe.wav")
    if sys.platform == "linux":
        put(settings.inbox, os.fsdecode(b"\xff\xfe.wav"))
    before = sorted(os.listdir(bytes(settings.inbox)))  # noqa: PTH208 (names that are no text)
    for _ in range(3):
        assert inbox.sweep() == SWEEP_EVERY_SECONDS
        clock.now += SETTLE_SECONDS

    assert (taken(store), outcomes()) == ([], {})
    assert sorted(os.listdir(bytes(settings.inbox))) == before  # noqa: PTH208


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names, links and pipes")
def test_names_of_every_kind_are_taken(inbox: Inbox, store: Store, settings: Settings):
    names = [
        "Zoë & Łukasz 李 😀.wav",
        "two\nlines.wav",
        "-rf.wav",
        "--help.WAV",
        "é" * 125 + "a.wav",
        "CON.wav",
        "nul.txt.wav",
        "a'b\"c;DROP TABLE.wav",
        "*?[a].wav",
        " spaces .wav",
    ]
    for seed, name in enumerate(names):
        put(settings.inbox, name, recording(seed))
    inbox.sweep()

    assert taken(store) == sorted(names)
    assert {record.title for record in Record.select()} == {Path(name).stem for name in names}


# Watching


def test_a_file_that_is_refused_for_its_size_is_taken_without_being_read(
    settings: Settings, store: Store, hints: HintQueue, clock: Clock
) -> None:
    strict = replace(settings, largest_file_gb=0.001)
    inbox = Inbox(strict, store, hints, monotonic=clock)
    names, huge = ("huge.wav", "huge again.wav"), recording(seconds=60)
    for name in names:
        put(settings.inbox, name, huge)
    inbox.sweep()
    found = [(record.size_bytes, record.sha256) for record in Record.select()]
    assert found == [(len(huge), None)] * 2  # nobody knows that they are the same
    assert outcomes() == dict.fromkeys(names, "adopted")
    put(settings.inbox, "huge.wav", recording())
    inbox.sweep()
    (replaced,) = Record.select().where(Record.title == "huge")
    assert replaced.sha256 == sha256_of(settings.inbox / "huge.wav")
