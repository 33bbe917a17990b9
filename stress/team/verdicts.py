"""Accounts for every call on its workstation, on the server, and in the storage."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from stress import verdicts
from stress.team import fences
from stress.team.calls import Call, expected_texts
from stress.team.hearing import Texts
from stress.team.site import Machine, Site
from stress.watch import reading

Row = Mapping[str, Any]
#: Tables of the server that are empty when everything is done.
EMPTY_AT_THE_SERVER = ("incoming_calls", "decoded_windows", "live_windows", "object_deletions")
EMPTY_AT_A_WORKSTATION = ("decoded_windows", "outbox_deletions")
_TEXTS = "SELECT record_id, text FROM segments ORDER BY record_id, start_seconds, id"


@dataclass
class Verdict(verdicts.Verdict):
    """The faults, a line for each."""

    fenced: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Records:
    """The records of a database, and the texts of their transcripts."""

    rows: Sequence[Row]
    texts: Mapping[int, Texts]

    def of(self, session_id: str) -> list[Row]:
        """Return the records of a call: one, if all is well."""
        return [row for row in self.rows if row["session_id"] == session_id]


def unfinished(site: Site, calls: Sequence[Call]) -> list[str]:
    """Return what is still to be done, a line each, so that a change shows progress."""
    found, done = [], set()
    for machine in site.workstations:
        with reading(machine.stage.home) as database:
            done |= {row["session_id"] for row in database.execute(_ARRIVED)}
            found += [f"{machine.name}: {tuple(row)}" for row in database.execute(_ON_THE_WAY)]
    found += [
        f"{call.session_id} of {call.workstation} is not back"
        for call in calls
        if call.session_id not in done
    ]
    with site.postgres.connect() as connection:
        found += [f"server: {row}" for row in connection.execute(_AT_WORK)]
        found += [
            f"server: {count} {table}"
            for table in EMPTY_AT_THE_SERVER
            for (count,) in connection.execute(f"SELECT count(*) FROM {table}")
            if count
        ]
    return found


_ARRIVED = """SELECT session_id FROM call_records JOIN outbox ON outbox.record_id = call_records.id
    WHERE transcription_status = 'completed' AND outbox.state = 'received' AND audio_deleted_at IS NOT NULL"""
_ON_THE_WAY = """SELECT session_id, state, sent_bytes, outbox.attempts, outbox.error_code, server_status,
        server_progress FROM call_records JOIN outbox ON outbox.record_id = call_records.id
    WHERE outbox.state <> 'received'"""
_AT_WORK = """SELECT id, session_id, transcription_status, attempts, progress, error_code FROM call_records
    WHERE transcription_status <> 'completed' ORDER BY id"""


def judge(site: Site, calls: Sequence[Call], heard: set[Texts]) -> Verdict:
    """Account for every call; `heard` are the transcripts of the real engine."""
    verdict = Verdict()
    with site.postgres.connect() as connection:
        server = _of_server(connection)
        verdict.fenced += fences.fenced_writes(connection)
        _judge_tables(connection, verdict)
    objects = site.objects.hashes()
    homes = {machine.name: _of_home(machine) for machine in site.workstations}
    for call in calls:
        _judge_at_the_server(call, server, objects, heard, verdict)
        _judge_at_home(call, homes[call.workstation], heard, verdict)
    _judge_objects(server, objects, verdict)
    known = {call.session_id for call in calls}
    rows = [*server.rows, *(row for found in homes.values() for row in found.rows)]
    verdict.doubled += [f"{row['title']}: nobody made it" for row in rows if row["session_id"] not in known]
    for machine in site.machines:
        _judge_files(machine, verdict)
    for machine in site.workstations:
        _judge_workstation(machine, verdict)
    return verdict


def _judge_at_the_server(
    call: Call, server: Records, objects: Mapping[str, str], heard: set[Texts], verdict: Verdict
) -> None:
    mine = server.of(call.session_id)
    if not mine:
        verdict.lost.append(f"{call.session_id}: not at the server")
    if len(mine) > 1:
        verdict.doubled.append(f"{call.session_id}: {len(mine)} records at the server")
    for row in mine:
        _judge_transcript("the server", call, row, server, heard, verdict)
        content = objects.get(row["storage_key"] or "")
        if content is None:
            verdict.lost.append(f"{call.session_id}: its object {row['storage_key']}")
        elif not content == row["sha256"] == call.sha256:
            verdict.wrong.append(f"{call.session_id}: another content in the storage")


def _judge_at_home(call: Call, home: Records, heard: set[Texts], verdict: Verdict) -> None:
    mine = home.of(call.session_id)
    if not mine:
        verdict.lost.append(f"{call.session_id}: not at {call.workstation}")
    if len(mine) > 1:
        verdict.doubled.append(f"{call.session_id}: {len(mine)} records at {call.workstation}")
    for row in mine:
        _judge_transcript(call.workstation, call, row, home, heard, verdict)
        is_here = Path(row["recording_path"]).exists()
        if row["audio_deleted_at"] is None and not is_here:
            verdict.lost.append(f"{call.session_id}: its recording at {call.workstation}, before it was sent")
        if row["audio_deleted_at"] is not None and is_here:
            verdict.left_over.append(f"{call.session_id}: its recording at {call.workstation}")


def _judge_transcript(
    where: str, call: Call, row: Row, records: Records, heard: set[Texts], verdict: Verdict
) -> None:
    if row["transcription_status"] != "completed":
        verdict.stuck.append(
            f"{call.session_id}: {row['transcription_status']}, {row['error_code']} at {where}"
        )
        return
    found, expected = records.texts.get(row["id"], ()), expected_texts(call, heard)
    if found in expected:
        return
    twice = any(len(found) > len(wanted) and set(found) == set(wanted) for wanted in expected)
    (verdict.doubled if twice else verdict.wrong).append(f"{call.session_id}: at {where} it says {found}")


def _judge_objects(server: Records, objects: Mapping[str, str], verdict: Verdict) -> None:
    """Check that each object is that of one record."""
    keys = Counter(row["storage_key"] for row in server.rows)
    verdict.doubled += [f"{key} is the object of {count} records" for key, count in keys.items() if count > 1]
    verdict.left_over += [f"object {key}" for key in objects if key not in keys]


def _judge_tables(connection: psycopg.Connection, verdict: Verdict) -> None:
    for table in EMPTY_AT_THE_SERVER:
        (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone() or (0,)
        verdict.left_over += [f"{count} rows of {table} at the server"] if count else []


def _judge_workstation(machine: Machine, verdict: Verdict) -> None:
    with reading(machine.stage.home) as database:
        for table in EMPTY_AT_A_WORKSTATION:
            (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
            verdict.left_over += [f"{count} rows of {table} at {machine.name}"] if count else []


def _judge_files(machine: Machine, verdict: Verdict) -> None:
    """Check that nothing lies where recordings are on their way."""
    home = machine.stage.home
    for folder in ("recording", "incoming", "uploads", "inbox"):
        found = [path for path in (home / folder).rglob("*") if path.is_file()]
        verdict.left_over += [f"{path.relative_to(home)} at {machine.name}" for path in found]


def _of_server(connection: psycopg.Connection) -> Records:
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute("SELECT * FROM call_records ORDER BY id").fetchall()
    return Records(rows, _texts(connection.execute(_TEXTS).fetchall()))


def _of_home(machine: Machine) -> Records:
    query = """SELECT call_records.*, audio_deleted_at FROM call_records
        LEFT JOIN outbox ON outbox.record_id = call_records.id ORDER BY call_records.id"""
    with reading(machine.stage.home) as database:
        return Records(_rows(database, query), _texts(database.execute(_TEXTS).fetchall()))


def _rows(database: sqlite3.Connection, query: str) -> list[Row]:
    with closing(database.execute(query)) as found:
        return [dict(row) for row in found]


def _texts(rows: Sequence[Any]) -> dict[int, Texts]:
    found: dict[int, Texts] = {}
    for record_id, text in rows:
        found[record_id] = (*found.get(record_id, ()), text)
    return found
