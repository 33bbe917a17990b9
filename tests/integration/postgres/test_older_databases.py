"""A database that an older offhook made is brought up to date."""

from __future__ import annotations

from shared.settings import Settings
from shared.store.postgres.migrations import MIGRATIONS
from shared.store.store import Store
from shared.store.view import View
from tests.postgres import PostgresServer
from tests.tables import check_index, execute, said, use

NAMES = [migration.name for migration in MIGRATIONS]
#: What takes back each step.
UNDO = {
    "0023_indexed_owners": """
        UPDATE segments_search SET words = ts_delete(
            words, ARRAY(SELECT lexeme FROM unnest(words) WHERE starts_with(lexeme, '/o/')))""",
    "0024_list_words": """
        DROP TABLE records_search;
        DROP TRIGGER record_listed ON call_records; DROP TRIGGER record_listed_again ON call_records;
        DROP FUNCTION note_listed; DROP FUNCTION words_of; DROP EXTENSION pg_trgm""",
    "0025_list_outcomes": """
        DROP TRIGGER record_outcome ON call_records; DROP TRIGGER record_outcome_first ON call_records;
        DROP FUNCTION note_outcome; ALTER TABLE records_search DROP COLUMN outcome""",
}
#: The indexes of the first version that have all records.
WHOLE_INDEXES = {
    "record_created_at_completed_at": "created_at, completed_at",
    "record_created_at_id": "created_at, id",
    "record_urgency": "transcription_status, priority DESC, id",
    "record_urgency_begun": "transcription_status, priority DESC, id) WHERE (started_at IS NOT NULL",
    "record_turns": "transcription_status, owner_id, priority DESC, id) WHERE (owner_id IS NOT NULL",
    "record_transcription_status_model": "transcription_status, model",
    "record_transcription_status_error_code": "transcription_status, error_code",
    "record_transcription_status_completed_at": "transcription_status, completed_at",
    "record_unfiled": "transcription_status) WHERE (filed_at IS NULL",
}
UNDO["0026_partial_indexes"] = "; ".join(
    f"DROP INDEX IF EXISTS {name}; CREATE INDEX {name} ON call_records ({columns})"
    for name, columns in WHOLE_INDEXES.items()
)
#: Each part of the schema, as the server itself describes it.
SCHEMA = """
    SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns
        WHERE table_schema = 'public'
    UNION ALL SELECT tablename, indexname, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '' FROM pg_constraint
        WHERE conrelid <> 0
    UNION ALL SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', '' FROM pg_trigger
        WHERE NOT tgisinternal
    UNION ALL SELECT proname, '', prosrc, '', '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    ORDER BY 1, 2, 3"""


def go_back_to(name: str) -> None:
    """Take back every step after one in the store in use."""
    for later in reversed(NAMES[NAMES.index(name) + 1 :]):
        execute(UNDO[later])
        execute("DELETE FROM migrations WHERE name = ?", (later,))


def schema_and_steps() -> list[tuple[object, ...]]:
    rows = [*execute(SCHEMA).fetchall(), *execute("SELECT name FROM migrations ORDER BY name").fetchall()]
    return list(rows)


def test_a_database_of_the_first_version_becomes_like_a_new_one(
    store: Store, settings: Settings, postgres_server: PostgresServer
) -> None:
    for owner_id in (None, 7, 300):
        transcribed(store, owner_id)
    before = execute("SELECT segment_id, words::text FROM segments_search ORDER BY 1").fetchall()
    new = schema_and_steps()
    go_back_to(NAMES[0])
    assert schema_and_steps() != new
    store.disconnect()

    with use(Store.open(settings.database)) as updated:
        assert schema_and_steps() == new
        assert updated.check() is None
        check_index()
        assert execute("SELECT segment_id, words::text FROM segments_search ORDER BY 1").fetchall() == before
        found = updated.seen_by(View(owner_id=300)).search.find("words", 9)
        assert [updated.records.get(it.record_id).owner_id for it in found] == [300]
        assert updated.listing.counts("all")["completed"] == 3


def transcribed(store: Store, owner_id: int | None) -> None:
    record = store.records.add(
        source="added", title="Call", recording_path=f"/{owner_id}.wav", owner_id=owner_id
    )
    claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    store.claims.complete(claim, said([{"start_seconds": 0.0, "end_seconds": 1.0, "text": "Some words"}]))
