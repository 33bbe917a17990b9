"""Fills a PostgreSQL database with years of a team's calls, by COPY: `fill`.

The calls are those of `bench.archive`: words by Zipf's law, of which the most frequent are English. Segments
are drawn from a pool of many. The first one of each call also has a name that nobody else says.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, islice
from random import Random

import psycopg

from bench.archive import SEED, SEGMENT_WORDS, VOCABULARY_WORDS, YEARS_SECONDS, vocabulary
from shared.speakers import LOUDNESS, ME, THEM
from shared.store.postgres import fulltext, list_words
from shared.store.transitions import CANCELLED, COMPLETED, FAILED, QUEUED

POOL_SEGMENTS = 400_000
RECORDS_AT_ONCE = 1_000
#: The queued ones are the newest.
QUEUED_PERCENT, FAILED_PERCENT, CANCELLED_PERCENT = 2, 3, 1
#: Of persons in a team; the first has the most calls, 2 %, and the last one 0.02 %.
OWNERS = 1_000
MAINTENANCE = "SET maintenance_work_mem = '2GB'; SET max_parallel_maintenance_workers = 1"

LARGE = ("call_records", list_words.TABLE, "segments", "speaker_labels", fulltext.TABLE)
RECORD_COLUMNS = (
    *("id", "session_id", "source", "title", "candidate_id", "project_id", "recording_path", "sha256"),
    *("size_bytes", "duration_seconds", "flags", "options", "transcription_status", "transcription_error"),
    *("error_code", "priority", "attempts", "crashes", "progress", "language", "model", "next_attempt_at"),
    *("filed_at", "created_at", "started_at", "completed_at", "storage_key", "owner_id", "workstation"),
)
SEGMENT_COLUMNS = (
    *("id", "record_id", "start_seconds", "end_seconds", "first_word", "text", "average_log_probability"),
    "words",
)
#: As the triggers, which are off, would have written it. What lists are searched by has its own statements.
_CHANGES = """INSERT INTO record_changes (record_id, seq, words_seq, is_deleted, owner_id)
    SELECT id, id, id, false, owner_id FROM call_records"""
LABEL_COLUMNS = ("record_id", "first_word", "last_word", "speaker", "source", "probability")


@dataclass(frozen=True)
class Made:
    """A segment of the pool: how many words it has, and its columns as COPY reads them."""

    words: int
    columns: str  # text, probability, words
    index: str  # what the full-text index has of it, without its place


def fill(url: str, records: int, segments: int) -> float:
    """Fill the tables of an empty database; return how many seconds it took. The progress is printed."""
    began = time.monotonic()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        connection.execute(MAINTENANCE)
        dropped = list(_without_indexes(connection))
        _copy_records(connection, records)
        _copy_transcripts(connection, records, segments)
        connection.execute(_CHANGES)
        for statement in list_words.FILLING:
            connection.execute(statement)
        for statement in dropped:
            _say(began, statement)
            connection.execute(statement)
        for table in (*LARGE, "record_changes"):
            _say(began, f"VACUUM ANALYZE {table}")
            connection.execute(f"VACUUM ANALYZE {table}")
        for table in ("call_records", "segments", "speaker_labels"):
            connection.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))"
            )
        connection.execute("SELECT setval('change_seq', (SELECT max(seq) FROM record_changes))")
    _say(began, "filled")
    return time.monotonic() - began


def _without_indexes(connection: psycopg.Connection) -> Iterator[str]:
    """Drop the indexes of the large tables; yield the statements that make them again."""
    for table in LARGE:
        foreign = f"""SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid = '{table}'::regclass AND contype = 'f'"""
        for name, definition in connection.execute(foreign).fetchall():
            connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            yield f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition} NOT VALID"
        indexes = f"""SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
            WHERE indrelid = '{table}'::regclass
                AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)"""
        for name, definition in connection.execute(indexes).fetchall():
            connection.execute(f"DROP INDEX {name}")
            yield definition


def _copy_records(connection: psycopg.Connection, records: int) -> None:
    random, now, waiting = Random(SEED), time.time(), records * QUEUED_PERCENT // 100
    owners = list(accumulate(1 / (rank + 10) for rank in range(OWNERS)))
    statement = f"COPY call_records ({', '.join(RECORD_COLUMNS)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for number in range(1, records + 1):
            state = QUEUED if number > records - waiting else _finished_state(random)
            added = now - YEARS_SECONDS * (records - number + 1) / records
            (owner,) = random.choices(range(1, OWNERS + 1), cum_weights=owners)
            copy.write_row(_record(number, state, added, owner, random))


def _finished_state(random: Random) -> str:
    weights = (100 - FAILED_PERCENT - CANCELLED_PERCENT, FAILED_PERCENT, CANCELLED_PERCENT)
    return random.choices((COMPLETED, FAILED, CANCELLED), weights)[0]


def _record(number: int, state: str, added: float, owner: int, random: Random) -> tuple[object, ...]:
    is_finished, is_completed, seconds = state != QUEUED, state == COMPLETED, random.uniform(60, 3_600)
    session_id = f"00000000-0000-4000-8000-{number:012}"
    key = f"calls/{time.strftime('%Y/%m', time.gmtime(added))}/{session_id}.wav"
    failed = ("The file is empty (0 bytes).", "empty_file") if state == FAILED else (None, None)
    return (
        *(number, session_id, "capture", f"Call {number}", f"C-{random.randint(1, 200_000)}"),
        *(f"P-{random.randint(1, 5_000)}", key, f"{number:064x}", int(seconds * 32_000), seconds, "[]", "{}"),
        *(state, *failed, 0, int(is_finished), 0, float(is_completed), "en" if is_completed else None),
        *("tiny.en" if is_completed else None, 0.0, added + 6 if is_completed else None, added),
        *(added + 5 if is_finished else None, added + 5 + seconds / 10 if is_finished else None),
        *(key, owner, f"{owner:032x}"),
    )


def _copy_transcripts(connection: psycopg.Connection, records: int, segments: int) -> None:
    pool, random, began = _pool(min(POOL_SEGMENTS, segments)), Random(SEED), time.monotonic()
    finished = connection.execute(
        f"SELECT id, owner_id FROM call_records WHERE transcription_status = '{COMPLETED}' ORDER BY id"
    ).fetchall()
    each, more = divmod(segments, len(finished) or 1)
    segment_id, numbered = 1, iter(enumerate(finished))
    while some := list(islice(numbered, RECORDS_AT_ONCE)):
        texts, labels, index = [], [], []
        for place, (record_id, owner_id) in some:
            first_word = 0
            for number, made in enumerate(random.choices(pool, k=each + (place < more))):
                start = number * 8.0
                columns = made.columns if number else f"Name{record_id}x {made.columns}"
                texts.append(f"{segment_id}\t{record_id}\t{start}\t{start + 7.5}\t{first_word}\t{columns}\n")
                named = "" if number else f" 'name{record_id}x':{made.words + 1}"
                index.append(f"{segment_id}\t{made.index}{named} {_place(segment_id, owner_id)}\n")
                last_word, who = first_word + made.words - 1, (ME, THEM)[number % 2]
                labels.append(f"{record_id}\t{first_word}\t{last_word}\t{who}\t{LOUDNESS}\t0.9\n")
                first_word, segment_id = last_word + 1, segment_id + 1
        _copy(connection, "segments", SEGMENT_COLUMNS, texts)
        _copy(connection, fulltext.TABLE, fulltext.COLUMNS, index)
        _copy(connection, "speaker_labels", LABEL_COLUMNS, labels)
        if some[-1][0] % 10_000 < RECORDS_AT_ONCE or some[-1][0] == len(finished) - 1:
            _say(began, f"{some[-1][0] + 1:,} of {len(finished):,} transcripts")


def _copy(connection: psycopg.Connection, table: str, columns: tuple[str, ...], lines: list[str]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        copy.write("".join(lines))


def _pool(count: int) -> list[Made]:
    random, words = Random(SEED), vocabulary()
    weights = list(accumulate(1 / rank for rank in range(1, VOCABULARY_WORDS + 1)))
    lengths = (random.randint(*SEGMENT_WORDS) for _ in range(count))
    return [_made(random.choices(words, cum_weights=weights, k=length)) for length in lengths]


def _made(said: list[str]) -> Made:
    text = " ".join(said).capitalize() + "."
    words = json.dumps(
        [[round(n * 0.3, 2), round(n * 0.3 + 0.2, 2), f" {it}", 0.9] for n, it in enumerate(said)]
    )
    index = fulltext.vector(0, text, None).removesuffix(fulltext.vector(0, "", None)).rstrip()
    return Made(len(said), f"{text}\t-0.3\t{words}", index)


def _place(segment_id: int, owner_id: int) -> str:
    return _place_of(segment_id >> min(fulltext.RANGE_BITS), owner_id)


@lru_cache(maxsize=4 * OWNERS)
def _place_of(block: int, owner_id: int) -> str:
    return fulltext.vector(block << min(fulltext.RANGE_BITS), "", owner_id)


def _say(began: float, what: str) -> None:
    print(f"{time.monotonic() - began:7.0f} s  {what}", file=sys.stderr, flush=True)
