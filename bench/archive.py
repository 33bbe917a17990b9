"""Fills a home with years of calls, the same ones each time except for their dates.

Each commit adds the segments of 50 records and their search entries, so the search index grows in pieces, as
with workers. The most frequent words are English, the others are made up; frequencies follow Zipf's law.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from archive.library import beside
from shared import home
from shared.settings import Settings
from shared.speakers import LOUDNESS, ME, THEM
from shared.store.store import Store
from shared.store.transitions import CANCELLED, COMPLETED, FAILED, QUEUED
from tests.tables import InboxFile, Record, Segment, SpeakerLabel, SpeakerName, execute, use

SEED = 2026
YEARS_SECONDS = 5 * 365 * 86_400.0
RECORDS_AT_ONCE = 50
ROWS_AT_ONCE = 500
VOCABULARY_WORDS = 20_000
SEGMENT_WORDS = (3, 24)
#: The store writes the search index itself; there are no triggers.
INDEXED = "INSERT INTO segments_search (rowid, text) SELECT id, text FROM segments WHERE id > ?"
#: Of a hundred recordings. The queued ones are the newest.
QUEUED_PERCENT, FAILED_PERCENT, CANCELLED_PERCENT = 2, 3, 1
COPIES_PERCENT = 1
_FREQUENT = """
the i you and to a that it of in we have is so for on do was be what with they this but are at not there if
can about my your know think just like would work me or as from very one well right time team when out get
all how good up go which them been because had more some people really then will our his her years company
now he she mean want see two could an also project say who their other experience salary thank course
question role month yes no okay start maybe
"""
_CONSONANTS, _VOWELS = (*"bdfgklmnprstv", "st", "tr"), ("a", "e", "i", "o", "u", "an")


Row = TypeVar("Row")


@dataclass(frozen=True)
class Size:
    """The size of a home; `files` is the number in the inbox, and in this month's library."""

    records: int
    segments: int
    files: int


def vocabulary() -> list[str]:
    """Return the words, the most frequent first."""
    frequent = _FREQUENT.split()
    syllables = [consonant + vowel for consonant in _CONSONANTS for vowel in _VOWELS]
    made_up = ("".join(parts) for count in (2, 3) for parts in itertools.product(syllables, repeat=count))
    rest = (word for word in made_up if word not in frequent)
    shuffled = list(itertools.islice(rest, VOCABULARY_WORDS - len(frequent)))
    Random(SEED).shuffle(shuffled)
    return [*frequent, *shuffled]


def fill(settings: Settings, size: Size) -> None:
    """Fill a home; print the progress on stderr."""
    home.prepare(settings)
    store = use(Store.of_home(settings))
    try:
        with store.transaction():
            for some in _batches(_records(settings, size)):
                Record.insert_many(some).execute()
        finished = [
            row.id for row in Record.select(Record.id).where(Record.transcription_status == COMPLETED)
        ]
        shares = _shares(finished, size.segments)
        for number, share in enumerate(_batches(shares, RECORDS_AT_ONCE)):
            with store.transaction():
                (last_id,) = execute("SELECT coalesce(max(id), 0) FROM segments").fetchone()
                for rows in _batches(_segments(share, Random(SEED + number))):
                    Segment.insert_many(rows).execute()
                    SpeakerLabel.insert_many(map(_label, rows)).execute()
                execute(INDEXED, (last_id,))
            _say(min((number + 1) * RECORDS_AT_ONCE, len(finished)), len(finished), "transcripts")
        _name_speakers(finished)
        _fill_folders(settings, size)
    finally:
        store.disconnect()


def _records(settings: Settings, size: Size) -> Iterator[dict[str, object]]:
    random, now = Random(SEED), time.time()
    states = (COMPLETED, FAILED, CANCELLED)
    weights = (100 - FAILED_PERCENT - CANCELLED_PERCENT, FAILED_PERCENT, CANCELLED_PERCENT)
    waiting = size.records * QUEUED_PERCENT // 100
    for number in range(1, size.records + 1):
        state = QUEUED if number > size.records - waiting else random.choices(states, weights)[0]
        added = now - YEARS_SECONDS * (size.records - number + 1) / size.records
        yield _record(settings, number, state, added, random)


def _record(settings: Settings, number: int, state: str, added: float, random: Random) -> dict[str, object]:
    finished, completed, seconds = state != QUEUED, state == COMPLETED, random.uniform(60, 3_600)
    stem = time.strftime(f"%Y/%m/Call {number}", time.localtime(added))
    return {
        "session_id": f"00000000-0000-4000-8000-{number:012}",
        "source": random.choice(("capture", "inbox", "added")),
        "title": f"Call {number}",
        "candidate_id": f"C-{random.randint(1, 20_000)}",
        "project_id": f"P-{random.randint(1, 500)}",
        "recording_path": str(_in_inbox(settings, number)),
        "sha256": f"{number:064x}",
        "size_bytes": int(seconds * 32_000),
        "modified_ns": int(added * 1e9),
        "duration_seconds": seconds,
        "transcription_status": state,
        "transcription_error": "The file is empty (0 bytes)." if state == FAILED else None,
        "error_code": "empty_file" if state == FAILED else None,
        "attempts": int(finished),
        "progress": float(completed),
        "language": "en" if completed else None,
        "model": "tiny.en" if completed else None,
        "library_stem": stem if completed else None,
        "created_at": added,
        "started_at": added + 5 if finished else None,
        "completed_at": added + 5 + seconds / 10 if finished else None,
        "archived_at": added + 6 + seconds / 10 if completed else None,
    }


def _shares(record_ids: list[int], segments: int) -> Iterator[tuple[int, int]]:
    """Yield the number of segments of each record."""
    each, more = divmod(segments, len(record_ids) or 1)
    return ((record_id, each + (number < more)) for number, record_id in enumerate(record_ids))


def _segments(shares: list[tuple[int, int]], random: Random) -> Iterator[dict[str, Any]]:
    words, weights = _WORDS, _WEIGHTS
    for record_id, count in shares:
        first_word = 0
        for number in range(count):
            said = random.choices(words, cum_weights=weights, k=random.randint(*SEGMENT_WORDS))
            yield {
                "record": record_id,
                "start_seconds": number * 8.0,
                "end_seconds": number * 8.0 + 7.5,
                "text": " ".join(said).capitalize() + ".",
                "average_log_probability": -0.3,
                "first_word": first_word,
                "words": json.dumps(
                    [
                        [number * 8 + n * 0.3, number * 8 + n * 0.3 + 0.2, f" {it}", 0.9]
                        for n, it in enumerate(said)
                    ]
                ),
            }
            first_word += len(said)


def _label(segment: dict[str, Any]) -> dict[str, object]:
    """Let both sides speak in turns, a segment each."""
    count = len(json.loads(segment["words"]))
    speaker = (ME, THEM)[int(segment["start_seconds"] / 8) % 2]
    last_word = segment["first_word"] + count - 1
    where = {"record": segment["record"], "first_word": segment["first_word"], "last_word": last_word}
    return {**where, "speaker": speaker, "source": LOUDNESS, "probability": 0.9}


def _name_speakers(record_ids: list[int]) -> None:
    """Give the far side of each fiftieth call a name, which a person has in several calls."""
    rows = ({"record": it, "speaker": THEM, "name": f"Person {it % 1000}"} for it in record_ids[::50])
    for some in _batches(rows):
        SpeakerName.insert_many(some).execute()


def _fill_folders(settings: Settings, size: Size) -> None:
    """Create known files in the inbox, as with `keep_in_place`, and files in this month's library."""
    month = settings.library / time.strftime("%Y/%m")
    home.make_folder(month)
    suffixes = ("wav", "txt", "srt", "vtt", "json")
    for number in range(1, size.files + 1):
        beside(
            month / f"Another call {(number - 1) // len(suffixes)}", suffixes[number % len(suffixes)]
        ).touch()
        _in_inbox(settings, number).touch()
        if number % 1_000 == 0:
            _say(number, size.files, "files")
    rows = (
        _known(_in_inbox(settings, number), 1 + number % size.records) for number in range(1, size.files + 1)
    )
    for some in _batches(rows):
        InboxFile.insert_many(some).execute()


def _known(path: Path, record_id: int) -> dict[str, object]:
    found = path.stat()
    outcome = "copy" if record_id % 100 < COPIES_PERCENT else "adopted"
    return {
        "path": str(path),
        "size_bytes": found.st_size,
        "modified_ns": found.st_mtime_ns,
        "outcome": outcome,
        "record": record_id,
    }


def _in_inbox(settings: Settings, number: int) -> Path:
    return settings.inbox / f"Call {number}.wav"


def _batches(rows: Iterable[Row], count: int = ROWS_AT_ONCE) -> Iterator[list[Row]]:
    left = iter(rows)
    while some := list(itertools.islice(left, count)):
        yield some


def _say(done: int, of: int, what: str) -> None:
    print(f"\r{done:,} of {of:,} {what}", end="\n" if done == of else "", file=sys.stderr, flush=True)


_WORDS = vocabulary()
_WEIGHTS = list(itertools.accumulate(1 / rank for rank in range(1, VOCABULARY_WORDS + 1)))
