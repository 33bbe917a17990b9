"""The words by which a list of records is searched: a table with one narrow row for each record.

An index of parts of words on `call_records` would be written by every claim. This table is written only when
what it has of a record has changed: never by the claim or the completion of a record without an error.

It also has the outcome of records that failed or were cancelled. So the states of all that are found can be
counted without a look at most of them: others are completed, or waiting, which are few.
"""

from __future__ import annotations

from peewee import Model

from shared.store.fields import DoubleField, IntegerField, TextField
from shared.store.transitions import CANCELLED, FAILED

OUTCOMES = (FAILED, CANCELLED)

#: A column of the table, or what it is made of.
_SEEN = "owner_id, created_at, title, candidate_id, project_id, recording_path, transcription_error"


class ListedRow(Model):
    """What a list is searched by; `words` has a line for each column in which words are found."""

    record_id = IntegerField(primary_key=True)
    words = TextField()  # ASCII in lower case; before the others, so that a scan reads no further
    owner_id = IntegerField(null=True)
    created_at = DoubleField()
    outcome = TextField(null=True)  # one of OUTCOMES; NULL in every other state

    class Meta:
        table_name = "records_search"


TABLE = ListedRow._meta.table_name
COLUMNS = tuple(field.column_name for field in ListedRow._meta.sorted_fields)
INDEXES = ("records_search_words", "records_search_owner_id")
TRIGGERS = ("record_listed", "record_listed_again", "record_outcome_first", "record_outcome")

_WORDS = r"""
    CREATE FUNCTION words_of(r call_records) RETURNS text LANGUAGE sql STABLE AS $$
        SELECT lower(
            concat_ws(
                chr(10), r.title, r.candidate_id, r.project_id,
                regexp_replace(r.recording_path, '^.*[/\\]', ''), r.transcription_error
            ) COLLATE "C"
        )
    $$"""
_NOTE = f"""
    CREATE FUNCTION note_listed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO {TABLE} (record_id, words, owner_id, created_at)
        VALUES (NEW.id, words_of(NEW), NEW.owner_id, NEW.created_at)
        ON CONFLICT (record_id) DO UPDATE
        SET words = excluded.words, owner_id = excluded.owner_id, created_at = excluded.created_at;
        RETURN NULL;
    END $$"""
_FILL = f"""
    INSERT INTO {TABLE} (record_id, words, owner_id, created_at)
    SELECT r.id, words_of(r), r.owner_id, r.created_at FROM call_records r ORDER BY r.id"""
#: The index is made when the table is full: that takes a fraction of the time. A step of the migrations has
#: these too, so they never change.
STATEMENTS = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    f"""CREATE TABLE {TABLE} (
        record_id bigint PRIMARY KEY REFERENCES call_records (id) ON DELETE CASCADE,
        words text COLLATE "C" NOT NULL,
        owner_id bigint,
        created_at double precision NOT NULL
    )""",
    _WORDS,
    _NOTE,
    f"""CREATE TRIGGER {TRIGGERS[0]} AFTER INSERT ON call_records
    FOR EACH ROW EXECUTE FUNCTION note_listed()""",
    f"""CREATE TRIGGER {TRIGGERS[1]} AFTER UPDATE OF {_SEEN} ON call_records FOR EACH ROW
    WHEN (({", ".join(f"OLD.{it}" for it in _SEEN.split(", "))})
        IS DISTINCT FROM ({", ".join(f"NEW.{it}" for it in _SEEN.split(", "))}))
    EXECUTE FUNCTION note_listed()""",
    _FILL,
    f"CREATE INDEX {INDEXES[0]} ON {TABLE} USING gin (words gin_trgm_ops) WITH (fastupdate = off)",
    f"CREATE INDEX {INDEXES[1]} ON {TABLE} (owner_id)",
    f"ALTER TABLE {TABLE} ALTER words SET STATISTICS 1000",
)

_OLD, _NEW = (
    f"CASE WHEN {row}.transcription_status IN {OUTCOMES} THEN {row}.transcription_status END"
    for row in ("OLD", "NEW")
)
_FILL_OUTCOMES = f"""
    UPDATE {TABLE} SET outcome = r.transcription_status FROM call_records r
    WHERE r.id = record_id AND r.transcription_status IN {OUTCOMES}"""
#: A later step of the migrations. No index has the outcome, so to write it is cheap.
OUTCOME_STATEMENTS = (
    f'ALTER TABLE {TABLE} ADD COLUMN outcome text COLLATE "C"',
    f"""CREATE FUNCTION note_outcome() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE {TABLE} SET outcome = {_NEW} WHERE record_id = NEW.id;
        RETURN NULL;
    END $$""",
    f"""CREATE TRIGGER {TRIGGERS[2]} AFTER INSERT ON call_records FOR EACH ROW
    WHEN (NEW.transcription_status IN {OUTCOMES}) EXECUTE FUNCTION note_outcome()""",
    f"""CREATE TRIGGER {TRIGGERS[3]} AFTER UPDATE OF transcription_status ON call_records FOR EACH ROW
    WHEN ({_OLD} IS DISTINCT FROM {_NEW}) EXECUTE FUNCTION note_outcome()""",
    _FILL_OUTCOMES,
)
#: Fill the table with what it has of all records.
FILLING = (_FILL, _FILL_OUTCOMES)
