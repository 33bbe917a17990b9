"""Triggers that note each write of a worker who had no right to it any more.

Each server machine connects under its own application name, and the triggers compare it with the host of the
claim. The rules are those of a claim, in other words than the store's, so that a fault of the store shows:

* A record that is being processed is changed only by the machine that has claimed it. Others may take it
  back when its lease has run out by the database's clock, and people may take it out of the queue.
* A claim is taken of a queued record alone.
* Segments and decoded windows are written only in a transaction that has also written their record, which
  takes its claim.
"""

from __future__ import annotations

from collections.abc import Mapping

import psycopg

#: Of the machines that run workers; the web server's name begins otherwise.
WORKER_NAMES = "server-"

_SCHEMA = """
CREATE TABLE stress_machines (host text PRIMARY KEY, name text NOT NULL);
CREATE TABLE stress_fenced (
    id bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(),
    machine text, record_id bigint, what text
);
CREATE TABLE stress_claims (
    id bigserial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp(), machine text, record_id bigint,
    before text, after text
);
CREATE FUNCTION stress_note(record_id bigint, what text) RETURNS void LANGUAGE sql AS
    $$ INSERT INTO stress_fenced (machine, record_id, what)
       VALUES (current_setting('application_name'), record_id, what) $$;

CREATE FUNCTION stress_record_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    writer text := current_setting('application_name');
    owner text := (SELECT name FROM stress_machines WHERE host = OLD.worker_host);
    now double precision := extract(epoch FROM clock_timestamp());
BEGIN
    IF OLD.transcription_status = 'processing' AND writer LIKE '{workers}%' AND writer <> owner THEN
        IF NEW.claim_token IS NOT NULL OR NEW.transcription_status = 'completed' THEN
            PERFORM stress_note(OLD.id, 'changed a record that ' || owner || ' has claimed');
        ELSIF OLD.lease_expires_at > now THEN
            PERFORM stress_note(OLD.id, 'took back a record of ' || owner || ' before its lease ran out, by '
                || round((OLD.lease_expires_at - now)::numeric, 1) || ' s');
        END IF;
    END IF;
    IF OLD.claim_token IS DISTINCT FROM NEW.claim_token THEN
        IF NEW.claim_token IS NOT NULL AND OLD.transcription_status <> 'queued' THEN
            PERFORM stress_note(OLD.id, 'claimed a record that is ' || OLD.transcription_status);
        END IF;
        INSERT INTO stress_claims (machine, record_id, before, after)
            VALUES (writer, OLD.id, OLD.transcription_status, NEW.transcription_status);
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION stress_words_written() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    row record := coalesce(NEW, OLD);
    writer text := current_setting('application_name');
    written bigint := (SELECT xmin::text::bigint FROM call_records WHERE id = row.record_id);
BEGIN
    IF writer LIKE '{workers}%' AND written <> txid_current() % (2::bigint ^ 32)::bigint THEN
        PERFORM stress_note(row.record_id, lower(TG_OP) || ' of ' || TG_TABLE_NAME || ' without the record');
    END IF;
    RETURN row;
END $$;

CREATE TRIGGER stress_records BEFORE UPDATE ON call_records
    FOR EACH ROW EXECUTE FUNCTION stress_record_changed();
CREATE TRIGGER stress_segments BEFORE INSERT ON segments
    FOR EACH ROW EXECUTE FUNCTION stress_words_written();
CREATE TRIGGER stress_windows BEFORE INSERT ON decoded_windows
    FOR EACH ROW EXECUTE FUNCTION stress_words_written();
"""


def install(connection: psycopg.Connection, hosts: Mapping[str, str]) -> None:
    """Install the triggers; `hosts` has the name of each server machine by its host."""
    connection.execute(_SCHEMA.replace("{workers}", WORKER_NAMES))
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO stress_machines VALUES (%s, %s)", list(hosts.items()))


def fenced_writes(connection: psycopg.Connection) -> list[str]:
    """Return the writes that nobody had a right to, a line each."""
    found = connection.execute("SELECT at, machine, record_id, what FROM stress_fenced ORDER BY id")
    return [f"{at:%H:%M:%S} record {record_id}: {machine} {what}" for at, machine, record_id, what in found]


def claims_taken(connection: psycopg.Connection) -> dict[str, int]:
    """Count what became of claims: taken, completed, and taken or given back."""
    query = "SELECT before, after, count(*) FROM stress_claims GROUP BY 1, 2 ORDER BY 1, 2"
    return {f"{before} to {after}": count for before, after, count in connection.execute(query)}
