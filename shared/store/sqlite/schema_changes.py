"""The changes of the schema, the oldest first: the steps of the migrations that follow the first schema.

A step that has been released never changes; `migrations.py` names the steps and applies what is missing.
"""

from __future__ import annotations

from shared.store.sqlite.first_schema import Execute
from shared.store.words_index import index_text


def add_doubts(execute: Execute) -> None:
    execute('ALTER TABLE "segments" ADD COLUMN "doubts" TEXT')


def index_what_is_asked_often(execute: Execute) -> None:
    """Let no look at the queue, and no new file, read all the records there are."""
    execute('DROP INDEX "record_transcription_status_priority_id"')
    execute('CREATE INDEX "inboxfile_outcome" ON "inbox_files" ("outcome")')
    execute('CREATE INDEX "record_recording_path" ON "call_records" ("recording_path")')
    execute('CREATE INDEX "record_transcription_status" ON "call_records" ("transcription_status")')
    by_urgency = '"call_records" ("transcription_status", "priority" DESC, "id")'
    execute(f'CREATE INDEX "record_urgency" ON {by_urgency}')
    execute(f'CREATE INDEX "record_urgency_begun" ON {by_urgency} WHERE "started_at" IS NOT NULL')
    unfiled = '"call_records" ("transcription_status") WHERE "filed_at" IS NULL'
    execute(f'CREATE INDEX "record_unfiled" ON {unfiled}')


def index_prefixes(execute: Execute) -> None:
    """Find `t*` without a walk through all words with a t: those would be merged first, for each search.

    Longer beginnings have few words behind them, and are not worth their room. The triggers stay.
    """
    execute("DROP TABLE segments_search")
    execute("""
        CREATE VIRTUAL TABLE segments_search USING fts5(
            text, content='segments', content_rowid='id', prefix='1 2 3',
            tokenize='unicode61 remove_diacritics 2'
        )""")
    execute("INSERT INTO segments_search (segments_search) VALUES ('rebuild')")


def add_engines(execute: Execute) -> None:
    execute('ALTER TABLE "workers" ADD COLUMN "engines" TEXT')


def add_hosts(execute: Execute) -> None:
    """Say on which host a process runs, and which model a record asks for, in columns of their own."""
    execute('ALTER TABLE "call_records" ADD COLUMN "worker_host" TEXT')
    execute('ALTER TABLE "captures" ADD COLUMN "host" TEXT')
    execute('ALTER TABLE "workers" ADD COLUMN "host" TEXT')
    execute('ALTER TABLE "call_records" ADD COLUMN "requested_model" TEXT')
    execute("""
        UPDATE "call_records" SET "requested_model" = json_extract("options", '$.model')
        WHERE json_valid("options")""")


def number_words(execute: Execute) -> None:
    """Give each segment the number of its first word, and make tables for overlays on words."""
    execute('ALTER TABLE "segments" ADD COLUMN "first_word" INTEGER NOT NULL DEFAULT 0')
    execute("""
        UPDATE "segments" SET "first_word" = "counted"."before"
        FROM (
            SELECT "id" AS "segment", SUM("words") OVER (
                PARTITION BY "record_id" ORDER BY "id" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS "before"
            FROM (
                SELECT "id", "record_id",
                    CASE WHEN json_valid("words") THEN json_array_length("words") ELSE 0 END AS "words"
                FROM "segments"
            )
        ) AS "counted"
        WHERE "counted"."segment" = "segments"."id" AND "counted"."before" > 0""")
    for table, columns in (
        ("speaker_labels", '"speaker" TEXT NOT NULL, "source" TEXT NOT NULL, "probability" REAL'),
        ("corrections", '"text" TEXT NOT NULL, "source" TEXT NOT NULL, "made_at" REAL NOT NULL'),
    ):
        execute(f"""
            CREATE TABLE "{table}" (
                "id" INTEGER NOT NULL PRIMARY KEY,
                "record_id" INTEGER NOT NULL,
                "first_word" INTEGER NOT NULL,
                "last_word" INTEGER NOT NULL,
                {columns},
                FOREIGN KEY ("record_id") REFERENCES "call_records" ("id") ON DELETE CASCADE
            )""")
        execute(f'CREATE INDEX "{table.replace("_", "")[:-1]}_record_id" ON "{table}" ("record_id")')
    execute("""
        CREATE TABLE "speaker_names" (
            "record_id" INTEGER NOT NULL,
            "speaker" TEXT NOT NULL,
            "name" TEXT NOT NULL,
            PRIMARY KEY ("record_id", "speaker"),
            FOREIGN KEY ("record_id") REFERENCES "call_records" ("id") ON DELETE CASCADE
        )""")


def search_all_scripts(execute: Execute) -> None:
    """Index another text than the segment's where people search for it in other ways.

    `search_text` is that text (`words_index.py`), NULL where it is the segment's own. The store writes the
    index itself from here on: a schema without triggers can be read as one that is not trusted.
    """
    execute('ALTER TABLE "segments" ADD COLUMN "search_text" TEXT')
    for segment_id, text in execute("SELECT id, text FROM segments WHERE text GLOB '*[^ -~]*'").fetchall():
        if (prepared := index_text(text)) is not None:
            execute("UPDATE segments SET search_text = ? WHERE id = ?", (prepared, segment_id))
    execute("DROP TRIGGER segments_search_insert")
    execute("DROP TRIGGER segments_search_delete")
    execute("DROP TABLE segments_search")
    execute("""
        CREATE VIEW segments_to_search AS
        SELECT id, record_id, coalesce(search_text, text) AS text FROM segments""")
    execute("""
        CREATE VIRTUAL TABLE segments_search USING fts5(
            text, content='segments_to_search', content_rowid='id', prefix='1 2 3',
            tokenize='unicode61 remove_diacritics 2'
        )""")
    execute("INSERT INTO segments_search (segments_search) VALUES ('rebuild')")


def split_controls(execute: Execute) -> None:
    """Give each control a table with columns of its own types; they were texts by name."""
    execute("""
        CREATE TABLE "queue_state" (
            "id" INTEGER NOT NULL PRIMARY KEY,
            "paused" INTEGER NOT NULL,
            "retention_applied_at" REAL
        )""")
    execute('CREATE TABLE "erasures" ("record_id" INTEGER NOT NULL PRIMARY KEY)')
    execute('CREATE TABLE "expected_receipts" ("name" TEXT NOT NULL PRIMARY KEY)')
    execute("""
        CREATE TABLE "scrubs" (
            "id" INTEGER NOT NULL PRIMARY KEY,
            "token" TEXT NOT NULL,
            "rewritten" INTEGER NOT NULL
        )""")
    known = dict(execute("SELECT name, value FROM controls").fetchall())
    state = (known.get("paused") == "true", _number(known.get("retention")))
    execute("INSERT INTO queue_state (id, paused, retention_applied_at) VALUES (1, ?, ?)", state)
    for name in known:
        kind, _, rest = name.partition(":")
        if kind == "erase" and rest.isdecimal():
            execute("INSERT INTO erasures (record_id) VALUES (?)", (int(rest),))
        elif kind == "receipt":
            execute("INSERT INTO expected_receipts (name) VALUES (?)", (rest,))
    if "scrub" in known:
        execute("INSERT INTO scrubs (id, token, rewritten) VALUES (1, 'from before', 0)")
    execute('DROP TABLE "controls"')


def add_language_probability(execute: Execute) -> None:
    execute('ALTER TABLE "call_records" ADD COLUMN "language_probability" REAL')


def keep_who_spoke(execute: Execute) -> None:
    """Keep the echo of calls, the channel of words, and the turns of voices."""
    execute('ALTER TABLE "loudness" ADD COLUMN "ticks_per_second" INTEGER NOT NULL DEFAULT 10')
    execute("""ALTER TABLE "loudness" ADD COLUMN "echo" BLOB NOT NULL DEFAULT x''""")
    execute('ALTER TABLE "decoded_windows" ADD COLUMN "channel" INTEGER')
    execute('ALTER TABLE "segments" ADD COLUMN "channel" INTEGER')
    execute("""
        CREATE TABLE "voice_turns" (
            "id" INTEGER NOT NULL PRIMARY KEY,
            "record_id" INTEGER NOT NULL,
            "start_ms" INTEGER NOT NULL,
            "end_ms" INTEGER NOT NULL,
            "voice" INTEGER NOT NULL,
            "probability" REAL NOT NULL,
            FOREIGN KEY ("record_id") REFERENCES "call_records" ("id") ON DELETE CASCADE
        )""")
    execute('CREATE INDEX "voiceturn_record_id" ON "voice_turns" ("record_id")')


def keep_what_persons_put_right(execute: Execute) -> None:
    """Keep corrected texts for search, exchanged speakers, overlays without words, and changes to undo."""
    execute('ALTER TABLE "segments" ADD COLUMN "corrected_text" TEXT')
    execute('DROP INDEX "speakerlabel_record_id"')
    execute(
        'CREATE INDEX "speakerlabel_record_id_first_word" ON "speaker_labels" ("record_id", "first_word")'
    )
    execute("""
        CREATE INDEX "speakerlabel_of_persons" ON "speaker_labels" ("record_id")
        WHERE "source" = 'person'""")
    execute("""
        CREATE TABLE "speaker_swaps" (
            "record_id" INTEGER NOT NULL,
            "speaker" TEXT NOT NULL,
            "other" TEXT NOT NULL,
            PRIMARY KEY ("record_id", "speaker"),
            FOREIGN KEY ("record_id") REFERENCES "call_records" ("id") ON DELETE CASCADE
        )""")
    for table, name, columns in (
        (
            "unplaced_overlays",
            "unplaced",
            """ "kind" TEXT NOT NULL, "start_ms" INTEGER NOT NULL, "end_ms" INTEGER NOT NULL,
            "before" TEXT NOT NULL, "heard" TEXT NOT NULL, "after" TEXT NOT NULL, "text" TEXT NOT NULL""",
        ),
        ("edits", "edit", '"what" TEXT NOT NULL, "before" TEXT NOT NULL'),
    ):
        execute(f"""
            CREATE TABLE "{table}" (
                "id" INTEGER NOT NULL PRIMARY KEY,
                "record_id" INTEGER NOT NULL,
                {columns},
                "made_at" REAL NOT NULL,
                FOREIGN KEY ("record_id") REFERENCES "call_records" ("id") ON DELETE CASCADE
            )""")
        execute(f'CREATE INDEX "{name}_record_id" ON "{table}" ("record_id")')


def tell_channels_of_unplaced_overlays(execute: Execute) -> None:
    execute('ALTER TABLE "unplaced_overlays" ADD COLUMN "channel" INTEGER')


def index_speakers(execute: Execute) -> None:
    """Find the few recordings in which somebody speaks, without a look at all labels."""
    execute('CREATE INDEX "speakerlabel_speaker_record_id" ON "speaker_labels" ("speaker", "record_id")')


def keep_what_the_library_has(execute: Execute) -> None:
    """Keep the contents of transcripts in the library, by which renamed ones are found."""
    execute("""
        CREATE TABLE "library_files" (
            "record_id" INTEGER NOT NULL,
            "suffix" TEXT NOT NULL,
            "sha256" TEXT NOT NULL,
            "size_bytes" INTEGER NOT NULL,
            PRIMARY KEY ("record_id", "suffix", "sha256"),
            FOREIGN KEY ("record_id") REFERENCES "call_records" ("id") ON DELETE CASCADE
        )""")


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
