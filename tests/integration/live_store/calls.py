"""Calls that are recorded, with windows and words that are decoded meanwhile."""

from __future__ import annotations

import uuid
from pathlib import Path

from shared.store.live import LiveClaim, LiveWord
from shared.store.store import Store
from shared.store.transcripts import Window
from shared.store.values import Record
from shared.words import Segment, Word

RECIPE = "tiny.en, careful"
CONTENT = {"sha256": "0f", "size_bytes": 2, "modified_ns": 2}


def begin(store: Store) -> str:
    """Begin a recording; return its session id."""
    session_id = str(uuid.uuid4())
    store.captures.begin(
        session_id,
        Path(f"/inbox/{session_id}.wav"),
        **{"title": "Call", "layout": "mono", "started_at": 1.0, "worker_id": "capture-1"},
    )
    return session_id


def follow(store: Store, session_id: str, recipe: str = RECIPE, worker_id: str = "worker-1") -> LiveClaim:
    found = store.live.claim(
        session_id, worker_id=worker_id, recipe=recipe, model="tiny.en", lease_seconds=60
    )
    assert found is not None
    return found


def hang_up(store: Store, session_id: str) -> Record:
    """End a recording: its record is in the queue."""
    return store.captures.queue(session_id, CONTENT)


def window(start_seconds: float, *texts: str, channel: int | None = None) -> Window:
    """A window of as many seconds as it has words."""
    words = [
        Word(at_ms := round(1000 * start_seconds) + 1000 * place, at_ms + 500, f" {text}", 0.9)
        for place, text in enumerate(texts)
    ]
    end_ms = round(1000 * start_seconds) + 1000 * len(texts)
    segment = Segment(words[0].start_ms, end_ms, " ".join(texts), tuple(words), channel=channel)
    return Window(start_seconds, end_ms / 1000, start_seconds, (segment,), channel)


def words_of(found: Window, speaker: str | None = None, *, is_final: bool = True) -> list[LiveWord]:
    """The words of a window, for showing."""
    said = (word for segment in found.segments for word in segment.words)
    return [LiveWord(it.start_ms, it.end_ms, it.text, speaker, is_final) for it in said]


def save(store: Store, claim: LiveClaim, *found: Window) -> None:
    """Commit windows, up to whose end everything is final then."""
    end_seconds = max(it.end_seconds for it in found)
    columns = {"final_seconds": end_seconds, "heard_seconds": end_seconds}
    store.live.save_windows(claim, found, [words_of(it) for it in found], **columns)
