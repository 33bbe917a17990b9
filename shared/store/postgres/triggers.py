"""The order of all changes of records, and the notice of every change, as triggers write them.

A change's number is drawn from a sequence, which does not wait for other transactions: so a later number may
be committed before an earlier one. A reader that has seen the later one would never ask for the earlier one.
So a transaction first takes a lock whose key is the last number that was drawn before, and holds it until it
ends. What it draws is larger. A reader passes on no number beyond the lowest of those locks (`changes.py`).
"""

from __future__ import annotations

from shared.store.postgres.locks import CHANGES

#: A change of these columns is seen in a list of records.
SEEN = (
    "session_id, source, title, candidate_id, project_id, duration_seconds, flags, options, "
    "transcription_status, transcription_error, error_code, priority, attempts, progress, speed, language, "
    "model, next_attempt_at, filed_at, completed_at, owner_id"
)
#: The lock is taken once in a transaction: its first number is the lowest.
_NEXT_CHANGE = f"""
    CREATE FUNCTION next_change() RETURNS bigint LANGUAGE plpgsql AS $$
    BEGIN
        IF coalesce(current_setting('offhook.draws', true), '') <> 'on' THEN
            PERFORM pg_advisory_xact_lock_shared(({CHANGES}::bigint << 48) | last_value) FROM change_seq;
            PERFORM set_config('offhook.draws', 'on', true);
        END IF;
        RETURN nextval('change_seq');
    END $$"""
_NOTE_RECORD = """
    CREATE FUNCTION note_record_change() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        drawn bigint := next_change();
        has_other_words boolean := true;
    BEGIN
        IF TG_OP = 'DELETE' THEN
            INSERT INTO record_changes (record_id, seq, words_seq, is_deleted, owner_id, session_id)
            VALUES (OLD.id, drawn, drawn, true, OLD.owner_id, OLD.session_id)
            ON CONFLICT (record_id) DO UPDATE
            SET seq = drawn, words_seq = drawn, is_deleted = true, session_id = OLD.session_id;
            RETURN NULL;
        END IF;
        IF TG_OP = 'UPDATE' THEN
            has_other_words := NEW.filed_at IS NULL OR NEW.progress <> OLD.progress
                OR NEW.transcription_status <> OLD.transcription_status;
        END IF;
        INSERT INTO record_changes AS known (record_id, seq, words_seq, is_deleted, owner_id)
        VALUES (NEW.id, drawn, drawn, false, NEW.owner_id)
        ON CONFLICT (record_id) DO UPDATE SET seq = drawn, is_deleted = false, owner_id = NEW.owner_id,
            words_seq = CASE WHEN has_other_words THEN drawn ELSE known.words_seq END;
        RETURN NULL;
    END $$"""
_NOTE_DELETION = """
    CREATE FUNCTION note_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE record_changes SET seq = next_change()
        WHERE record_id = CASE WHEN TG_OP = 'DELETE' THEN OLD.record_id ELSE NEW.record_id END;
        RETURN NULL;
    END $$"""
#: PostgreSQL makes one notice of many in a transaction. A notice holds up other commits for a moment: claims
#: and signs of life, of which there are many, are made without (`session.py`).
_NOTIFY = """
    CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF coalesce(current_setting('offhook.quiet', true), '') <> 'on' THEN
            PERFORM pg_notify('offhook', '');
        END IF;
        RETURN NULL;
    END $$"""

OF_RECORDS = ("record_changed", "deletion_changed")
STATEMENTS = (
    "CREATE SEQUENCE change_seq MINVALUE 0 START 0",
    "SELECT setval('change_seq', 0)",
    *(_NEXT_CHANGE, _NOTE_RECORD, _NOTE_DELETION, _NOTIFY),
    f"""CREATE TRIGGER record_changed AFTER INSERT OR DELETE OR UPDATE OF {SEEN} ON call_records
    FOR EACH ROW EXECUTE FUNCTION note_record_change()""",
    """CREATE TRIGGER deletion_changed AFTER INSERT OR DELETE ON deletions
    FOR EACH ROW EXECUTE FUNCTION note_deletion()""",
)


def notice_of(table: str) -> str:
    """Return the statement that lets every change of a table be noticed."""
    return f"""CREATE TRIGGER {notice_trigger(table)} AFTER INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION note_change()"""


def notice_trigger(table: str) -> str:
    """Return the name of the trigger by which changes of a table are noticed."""
    return f"{table}_noticed"
