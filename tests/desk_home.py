"""A home as it is after a week of work, for looking at: calls in every state, one with a conversation."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared import home
from shared.settings import Settings
from shared.speakers import LOUDNESS, ME, THEM, Label
from shared.store.store import Store
from shared.store.transitions import CANCELLED, COMPLETED, FAILED, PROCESSING, QUEUED
from shared.words import Segment, Word
from shared.workers import Presence
from tests.tables import Record, use
from tests.voices import LONG_CALL, Call, speak, write_wav

HOUR, DAY = 3600.0, 86_400.0
#: Of these places in the conversation the engine was not sure.
DOUBTED = {"warehouse": 0.31, "Spanish": 0.44, "medical": 0.38}
TITLE = "Interview, operations lead"


@dataclass(frozen=True)
class Told:
    """A call of the list."""

    title: str
    candidate: str
    state: str
    seconds: float
    ago_seconds: float
    progress: float = 0.0
    error: str | None = None
    code: str | None = None


TOLD = (
    Told("Reference call, Lindqvist & Sons", "C-0417", COMPLETED, 724, 6 * DAY),
    Told("Screening, data engineer", "C-0433", COMPLETED, 1512, 4 * DAY),
    Told("voice memo 14", "", FAILED, 0, 3 * DAY, 0.0, "The file is empty (0 bytes).", "empty_file"),
    Told("Salary talk, second round", "C-0433", COMPLETED, 2710, 2 * DAY),
    Told("Test recording", "", CANCELLED, 12, 1.5 * DAY),
    Told("Panel interview, platform team", "C-0440", PROCESSING, 5460, 900, 0.42),
    Told("Follow-up with the hiring manager", "C-0440", QUEUED, 1320, 300),
    Told("Screening, site reliability", "C-0441", QUEUED, 1875, 60),
)


def make(folder: Path) -> int:
    """Fill a home; return the number of the record with the conversation."""
    settings = Settings(home=folder)
    home.prepare(settings)
    call = speak(LONG_CALL)
    path = settings.inbox / f"{TITLE}.wav"
    write_wav(path, call.samples)
    with Store.of_home(settings) as store:
        use(store)
        for told in TOLD:
            _add(store, settings, told)
        record = store.records.add(
            source="inbox",
            title=TITLE,
            recording_path=str(path),
            candidate_id="Joe Marten",
            project_id="P-12",
            duration_seconds=call.duration_seconds,
        )
        segments, labels = _said(call)
        store.transcripts.replace(record.id, segments)
        store.overlays.replace(record.id, labels, ())
        store.overlays.rename(record.id, ME, "Laura")
        store.overlays.rename(record.id, THEM, "Joe Marten")
        _finish(record.id, COMPLETED, time.time() - HOUR)
        return record.id


@contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Let the processes of a home count as running."""
    settings = Settings(home=folder)
    with Store.of_home(settings) as store, ExitStack() as stack:
        for kind in ("capture", "inbox", "worker"):
            presence = Presence(store, settings.locks, kind).enter()
            stack.callback(presence.leave)
        yield


def _add(store: Store, settings: Settings, told: Told) -> None:
    path = settings.inbox / f"{told.title}.wav"
    record = store.records.add(
        source="inbox",
        title=told.title,
        recording_path=str(path),
        candidate_id=told.candidate or None,
        duration_seconds=told.seconds or None,
    )
    created_at = time.time() - told.ago_seconds
    error = {"transcription_error": told.error, "error_code": told.code, "progress": told.progress}
    Record.update(created_at=created_at, speed=9.0, **error).where(Record.id == record.id).execute()
    _finish(record.id, told.state, created_at + 600)


def _finish(record_id: int, state: str, completed_at: float) -> None:
    done = {"transcription_status": state, "language": "en", "model": "tiny.en", "started_at": completed_at}
    if state in (COMPLETED, FAILED, CANCELLED):
        done["completed_at"] = completed_at
    if state == PROCESSING:  # its worker is the one that counts as running
        done |= {"lease_expires_at": time.time() + DAY, "claim_token": "t", "attempts": 1}
    Record.update(**done).where(Record.id == record_id).execute()


def _said(call: Call) -> tuple[list[Segment], list[Label]]:
    """Return the turns of a call as segments, whose words take the same time each, and who says them."""
    segments: list[Segment] = []
    labels: list[Label] = []
    number = 0
    ends = (*call.starts_seconds[1:], call.duration_seconds)
    for turn, start, end in zip(call.turns, call.starts_seconds, ends, strict=True):
        parts = turn.text.split()
        step = 1000 * (end - start - 0.4) / len(parts)
        times = [round(1000 * start + step * place) for place in range(len(parts) + 1)]
        words = tuple(
            Word(times[place], times[place + 1], f" {part}", DOUBTED.get(part.strip(".,?"), 0.95))
            for place, part in enumerate(parts)
        )
        segments.append(Segment(times[0], times[-1], turn.text, words, -0.2, 0.01, 1.2))
        speaker = ME if turn.speaker == call.turns[0].speaker else THEM
        labels.append(Label(number, number + len(parts) - 1, speaker, LOUDNESS, 0.97))
        number += len(parts)
    return segments, labels
