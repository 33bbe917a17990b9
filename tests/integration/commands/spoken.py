"""Calls with words and speakers, for the commands that change who said what."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from archive.library import Library
from shared.settings import Settings
from shared.speakers import LOUDNESS, ME, THEM, Label
from shared.store.store import Store
from shared.store.values import Record
from shared.words import Segment, Word

#: Who says what, segment by segment.
CALL = (
    (ME, "Good morning, this is Max."),
    (THEM, "Hello Max, Aida loveless here."),
    (THEM, "I wrote about the analytical engine."),
    (ME, "Thank you, Miss loveless."),
)


def segments_of(said: Iterable[tuple[str, str]]) -> tuple[list[Segment], list[Label]]:
    """Segments of five seconds each, a word in 0.4 s, and a label for each."""
    segments, labels, number = [], [], 0
    for place, (speaker, text) in enumerate(said):
        start = 5000 * place
        words = [
            Word(start + 400 * n, start + 400 * n + 350, f" {it}", 0.9) for n, it in enumerate(text.split())
        ]
        segments.append(Segment(start, start + 400 * len(words), text, tuple(words)))
        if speaker:
            labels.append(Label(number, number + len(words) - 1, speaker, LOUDNESS, 0.9))
        number += len(words)
    return segments, labels


def spoken(
    settings: Settings,
    store: Store,
    title: str = "Call with Ada",
    said: Iterable[tuple[str, str]] = CALL,
    **columns: Any,
) -> Record:
    """A call in the library."""
    path = settings.inbox / f"{title}.wav"
    path.write_bytes(title.encode())
    given = {"source": "capture", **columns}
    record = store.records.add(title=title, recording_path=str(path), **given)
    return say_again(settings, store, record, said)


def say_again(
    settings: Settings, store: Store, record: Record, said: Iterable[tuple[str, str]] = CALL
) -> Record:
    """Transcribe a recording, and put it into the library."""
    claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    done = store.claims.complete(claim, *segments_of(said), duration_seconds=20.0, language="en")
    Library(settings, store).archive(done)
    return store.records.get(record.id)


def file_of(settings: Settings, record: Record, suffix: str = "txt") -> str:
    """A transcript in the library."""
    assert record.library_stem
    return Path(settings.library, f"{record.library_stem}.{suffix}").read_text("utf-8")
