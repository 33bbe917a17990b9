"""From a recording of two channels to a transcript with speakers, as a worker does it, with a real engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archive.library import Library
from archive.transcript import so_far
from shared.settings import Settings
from shared.speakers import CHANNELS
from shared.store.store import Store
from shared.store.transcripts import Window
from shared.store.values import Record
from shared.words import Segment
from tests.integration.records.operations import claim
from tests.integration.test_engine import choice
from tests.two_channels import TwoSides, echoing, leaking, talk, with_noise, write_pair
from tests.voices import SHORT_CALL, word_error_rate
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.jobs.transcriber import Transcriber

CALL = talk(SHORT_CALL)
#: The two talk over each other's ends.
INTERRUPTED = talk(SHORT_CALL, over_seconds=0.8)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    choice()  # skips where there is no model
    with closing(Engine()) as engine:
        yield engine


def transcribed(engine: Engine, settings: Settings, store: Store, path: Path, **given: Any) -> Record:
    record = store.records.add(**{"source": "added", "title": "call"} | given, recording_path=str(path))
    Transcriber(
        settings=replace(settings, device="cpu", compute_type="int8"),
        store=store,
        library=Library(settings, store),
        worker_id="worker-1",
        engine=engine,
        stopping=threading.Event(),
        report=lambda _: None,
        archive=lambda _: None,
    ).transcribe(record.id)
    done = store.records.get(record.id)
    assert done.transcription_status == "completed"
    return done


def captured(engine: Engine, settings: Settings, store: Store, path: Path, layout: str) -> Record:
    """Transcribe a call that offhook has recorded."""
    store.captures.begin("session-1", path, title="call", layout=layout, started_at=1.0, worker_id="w")
    return transcribed(engine, settings, store, path, source="capture", session_id="session-1")


def said(store: Store, record: Record) -> dict[str, str]:
    """What each speaker says; every word has one speaker, from its channel."""
    segments = store.transcripts.segments(record.id)
    labels = store.overlays.labels(record.id)
    speakers = {number: it for it in labels for number in range(it.first_word, it.last_word + 1)}
    words = [word for segment in segments for word in segment.words]
    assert sorted(speakers) == list(range(len(words)))
    assert {label.source for label in labels} == {CHANNELS}
    assert [it.start_ms for it in segments] == sorted(it.start_ms for it in segments)
    found: dict[str, str] = {}
    for number, word in enumerate(words):
        speaker = speakers[number].speaker
        found[speaker] = found.get(speaker, "") + word.text
    return found


def agrees(found: dict[str, str], call: TwoSides, speakers: tuple[str, str]) -> bool:
    assert set(found) == set(speakers)
    return all(
        word_error_rate(words, found[speaker]) < 0.05
        for words, speaker in zip(call.words, speakers, strict=True)
    )


@pytest.mark.parametrize("call", [CALL, INTERRUPTED])
def test_a_file_with_a_person_on_each_channel_has_two_voices(
    engine: Engine, settings: Settings, store: Store, tmp_path: Path, call: TwoSides
) -> None:
    path = write_pair(tmp_path / "call.wav", with_noise(call.samples))
    record = transcribed(engine, settings, store, path)
    assert agrees(said(store, record), call, ("voice 1", "voice 2"))


def test_a_split_call_knows_me_and_them_and_has_no_word_of_the_echo_twice(
    engine: Engine, settings: Settings, store: Store, tmp_path: Path
) -> None:
    samples = with_noise(echoing(CALL.samples, -6, 60, room_seconds=0.3))
    record = captured(engine, settings, store, write_pair(tmp_path / "call.wav", samples), "split")
    assert agrees(said(store, record), CALL, ("me", "them"))


def test_crosstalk_of_a_line_is_not_written_twice(
    engine: Engine, settings: Settings, store: Store, tmp_path: Path
) -> None:
    samples = with_noise(leaking(CALL.samples, -15, -15))
    record = transcribed(engine, settings, store, write_pair(tmp_path / "call.wav", samples))
    assert agrees(said(store, record), CALL, ("voice 1", "voice 2"))


def test_a_transcript_in_the_making_shows_both_sides_by_time(store: Store) -> None:
    claimed = claim(store, store.records.add(source="added", title="call", recording_path="/call.wav"))
    for channel, times in ((0, (0, 10_000)), (1, (4_000, 12_000))):
        segments = tuple(Segment(at, at + 1_000, f"{channel} {at}", channel=channel) for at in times)
        store.claims.save_windows(claimed, [Window(times[0] / 1_000, 13.0, 0.0, segments, channel)])
    shown = so_far(store, store.records.get(claimed.record.id), "")
    assert [it.text for it in shown.segments] == ["0 0", "1 4000", "0 10000", "1 12000"]
