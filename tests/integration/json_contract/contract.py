"""The JSON contract: a table for each command, and how an answer departs from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from shared.store.deliveries import DELIVERY_STATES
from shared.store.outbox_states import OUTBOX_STATES
from shared.store.transitions import STATES

Table = dict[str, str]


RECORDING: Table = {
    "id": "integer",
    "session_id": "text",
    "source": "text",
    "title": "text",
    "candidate_id": "text or null",
    "project_id": "text or null",
    "recording_path": "text",
    "transcript_stem": "text or null",
    "sha256": "text or null",
    "duration_seconds": "number or null",
    "flags": "list",
    "flags[]": "text",
    "options": "object",
    "options.*": "value",
    "status": "text",
    "error": "text or null",
    "error_code": "text or null",
    "priority": "integer",
    "attempts": "integer",
    "crashes": "integer",
    "progress": "number",
    "language": "text or null",
    "language_probability": "number or null",
    "model": "text or null",
    "created_at": "time",
    "started_at": "time or null",
    "completed_at": "time or null",
    "next_attempt_at": "time or null",
}


SERVER: Table = {
    "url": "text",
    "name": "text",
    "person": "text",
    "state": "text",
    "since": "time or null",
    "why": "text or null",
    "joined_at": "time",
    "last_seen_at": "time",
    "counts": "object",
    **{f"counts.{state}": "integer" for state in OUTBOX_STATES},
    "deletions": "integer",
}


DEVICE: Table = {
    "side": "text",
    "name": "text",
    "key": "text",
    "rate_hz": "integer",
    "channels": "integer",
    "is_default": "boolean",
}


VERDICT: Table = {
    "duration_seconds": "number",
    "layout": "text",
    "reason": "text",
    "recovered": "boolean",
    "sides": "object",
    "sides.*": "object",
    "sides.*.devices": "list",
    "sides.*.devices[]": "object",
    "sides.*.devices[].name": "text",
    "sides.*.devices[].rate_hz": "integer",
    "sides.*.devices[].channels": "integer",
    "sides.*.device_changes": "integer",
    "sides.*.device_losses": "integer",
    "sides.*.gaps": "integer",
    "sides.*.lost_ms": "integer",
    "sides.*.doubled_ms": "integer",
    "sides.*.drift_ppm": "number",
    "sides.*.clipped_frames": "integer",
    "sides.*.silence_share": "number",
}


OUTCOME: Table = {
    "session_id": "text",
    "record_id": "integer or null",
    "title": "text",
    "recording_path": "text or null",
    "duration_seconds": "number",
    "reason": "text",
    "state": "text",
    "error": "text or null",
    "queue_error": "text or null",
    "verdict": "verdict",
}


ERASURE: Table = {
    "dry_run": "boolean",
    "finished": "boolean",
    "recordings": "list",
    "recordings[]": "object",
    "recordings[].id": "integer or null",
    "recordings[].session_id": "text",
    "recordings[].title": "text",
    "recordings[].status": "text",
    "recordings[].files": "list",
    "recordings[].files[]": "text",
    "recordings[].size_bytes": "integer",
    "recordings[].stay": "list",
    "recordings[].stay[]": "text",
    "receipt": "text or null",
}


HOOK: Table = {
    "id": "integer",
    "kind": "text",
    "url": "text or null",
    "command": "list",
    "command[]": "text",
    "events": "list",
    "events[]": "text",
    "has_words": "boolean",
    "created_at": "time",
    "failing_since": "time or null",
    "stopped_at": "time or null",
    "stopped_why": "text or null",
    "deliveries": "object",
    **{f"deliveries.{state}": "integer" for state in DELIVERY_STATES},
}


#: Types that are tables of their own, and where docs/json.md has them.
NAMED = {
    "recording": RECORDING,
    "device": DEVICE,
    "server": SERVER,
    "verdict": VERDICT,
    "outcome": OUTCOME,
    "erasure": ERASURE,
    "hook": HOOK,
}


SECTIONS = {
    "A recording": RECORDING,
    "An audio device": DEVICE,
    "A verdict": VERDICT,
    "An outcome": OUTCOME,
    "An erasure": ERASURE,
    "A hook": HOOK,
    "A server": SERVER,
}


def segments(key: str) -> Table:
    """A list of segments."""
    moment = {"start_seconds": "number", "end_seconds": "number", "text": "text"}
    return {
        key: "list",
        f"{key}[]": "object",
        **{f"{key}[].{name}": kind for name, kind in moment.items()},
        f"{key}[].doubts": "list",
        f"{key}[].doubts[]": "text",
        f"{key}[].words": "list",
        f"{key}[].words[]": "object",
        **{f"{key}[].words[].{name}": kind for name, kind in moment.items()},
        f"{key}[].words[].probability": "number",
        f"{key}[].words[].id": "integer",
        f"{key}[].words[].speaker": "text or null",
        f"{key}[].words[].speaker_probability": "number or null",
        f"{key}[].channel": "integer or null",
        "speakers": "list",
        "speakers[]": "object",
        "speakers[].speaker": "text",
        "speakers[].name": "text or null",
        "speakers[].shown_name": "text",
        "passages": "list",
        "passages[]": "object",
        **{f"passages[].{name}": kind for name, kind in moment.items()},
        "passages[].first_word": "integer or null",
        "passages[].last_word": "integer or null",
        "passages[].speaker": "text or null",
        "passages[].name": "text or null",
        "passages[].speaker_probability": "number or null",
        "passages[].is_doubtful": "boolean",
        "passages[].is_corrected": "boolean",
        "passages[].doubts": "list",
        "passages[].doubts[]": "text",
    }


#: What is laid over the words of a transcript.
OVERLAYS: Table = {
    "labels": "list",
    "labels[]": "object",
    "labels[].first_word": "integer",
    "labels[].last_word": "integer",
    "labels[].speaker": "text",
    "labels[].source": "text",
    "labels[].probability": "number or null",
    "corrections": "list",
    "corrections[]": "object",
    "corrections[].first_word": "integer",
    "corrections[].last_word": "integer",
    "corrections[].text": "text",
    "corrections[].source": "text",
    "corrections[].made_at": "time",
}


#: The machines that transcribe.
MACHINES = {
    "machines": "list",
    "machines[]": "object",
    "machines[].host": "text",
    "machines[].name": "text",
    "machines[].is_here": "boolean",
    "machines[].state": "text",
    "machines[].transcribing": "integer",
    "machines[].workers": "integer",
    "machines[].device": "text",
    "machines[].models": "list",
    "machines[].models[]": "text",
    "machines[].version": "text",
    "machines[].first_seen_at": "time",
    "machines[].last_seen_at": "time",
}
#: The notes of persons.
NOTES: Table = {
    "notes": "list",
    "notes[]": "object",
    "notes[].at_seconds": "number",
    "notes[].text": "text",
    "notes[].made_at": "time",
}


#: What is told of a backup.
BACKUP: Table = {
    "created_at": "time",
    "counts": "object",
    **{f"counts.{state}": "integer" for state in STATES},
    "files": "integer",
    "size_bytes": "integer",
    "missing": "list",
    "missing[]": "object",
    "missing[].record_id": "integer or null",
    "missing[].path": "text",
    "missing[].reason": "text",
    "elsewhere": "list",
    "elsewhere[]": "object",
    "elsewhere[].record_id": "integer",
    "elsewhere[].path": "text",
}


#: Heading in docs/json.md -> key -> type.
CONTRACT: dict[str, Table] = {
    "offhook status": {
        "home": "text",
        "inbox": "object",
        "inbox.path": "text",
        "inbox.copies": "list",
        "inbox.copies[]": "object",
        "inbox.copies[].path": "text",
        "inbox.copies[].record_id": "integer",
        "inbox.unreadable": "list",
        "inbox.unreadable[]": "text",
        "inbox.not_taken": "list",
        "inbox.not_taken[]": "object",
        "inbox.not_taken[].name": "text",
        "inbox.not_taken[].reason": "text",
        "inbox.not_taken_count": "integer",
        "paused": "boolean",
        "counts": "object",
        **{f"counts.{state}": "integer" for state in STATES},
        "recordings": "list",
        "recordings[]": "object",
        "recordings[].session_id": "text",
        "recordings[].title": "text",
        "recordings[].candidate_id": "text or null",
        "recordings[].project_id": "text or null",
        "recordings[].state": "text",
        "recordings[].started_at": "time",
        "recordings[].duration_seconds": "number",
        "server": "server or null",
        "live": "list",
        "live[]": "object",
        "live[].session_id": "text",
        "live[].title": "text",
        "live[].state": "text",
        "live[].heard_seconds": "number",
        "live[].behind_seconds": "number",
        "live[].yields": "text or null",
        "live[].worker_id": "text",
        "live[].queue_waits": "boolean",
        "running": "list",
        "running[]": "object",
        "running[].id": "integer",
        "running[].title": "text",
        "running[].progress": "number",
        "running[].duration_seconds": "number or null",
        "running[].speed": "number or null",
        "running[].seconds_left": "number or null",
        "running[].attempts": "integer",
        "running[].started_at": "time",
        "running[].worker_id": "text",
        "oldest_waiting": "object or null",
        "oldest_waiting.id": "integer",
        "oldest_waiting.title": "text",
        "oldest_waiting.created_at": "time",
        "oldest_waiting.waiting_seconds": "number",
        "missing_models": "list",
        "missing_models[]": "object",
        "missing_models[].model": "text",
        "missing_models[].records": "integer",
        "missing_models[].message": "text",
        "stopped_hooks": "list",
        "stopped_hooks[]": "object",
        "stopped_hooks[].id": "integer",
        "stopped_hooks[].stopped_at": "time",
        "stopped_hooks[].why": "text",
        **MACHINES,
        "workers": "list",
        "workers[]": "object",
        "workers[].id": "text",
        "workers[].kind": "text",
        "workers[].pid": "integer",
        "workers[].alive": "boolean",
        "workers[].state": "text",
        "workers[].started_at": "time",
        "workers[].last_seen_at": "time",
        "workers[].engines": "list",
        "workers[].engines[]": "object",
        "workers[].engines[].device": "text",
        "workers[].engines[].compute_type": "text",
        "workers[].engines[].lanes": "integer",
        "workers[].engines[].threads": "integer",
        "workers[].engines[].batch_size": "integer",
        "workers[].engines[].reason": "text",
        "errors": "list",
        "errors[]": "object",
        "errors[].id": "integer",
        "errors[].title": "text",
        "errors[].status": "text",
        "errors[].error": "text",
        "errors[].error_code": "text",
        "errors[].at": "time or null",
    },
    "offhook list": {"records": "list", "records[]": "recording"},
    "offhook show": {
        ".": "recording",
        "capture": "verdict or null",
        **segments("transcript"),
        **NOTES,
        "unplaced": "list",
        "unplaced[]": "object",
        "unplaced[].kind": "text",
        "unplaced[].start_seconds": "number",
        "unplaced[].end_seconds": "number",
        "unplaced[].heard": "text",
        "unplaced[].text": "text",
    },
    "offhook note": {"record_id": "integer", **NOTES, "notes[].id": "integer"},
    "offhook search": {
        "hits": "list",
        "hits[]": "object",
        "hits[].record_id": "integer",
        "hits[].title": "text",
        "hits[].start_seconds": "number",
        "hits[].end_seconds": "number",
        "hits[].text": "text",
        "hits[].snippet": "text",
        "hits[].moment_seconds": "number",
        "hits[].speaker": "text or null",
        "hits[].name": "text or null",
    },
    "offhook edit": {
        "record_id": "integer",
        "corrected": "integer",
        "given": "integer",
        "undone": "text or null",
        "dropped": "integer",
    },
    "offhook relabel": {"recordings": "integer", "changed": "list", "changed[]": "integer"},
    "offhook replace": {
        "dry_run": "boolean",
        "recordings": "list",
        "recordings[]": "object",
        "recordings[].record_id": "integer",
        "recordings[].title": "text",
        "recordings[].places": "list",
        "recordings[].places[]": "object",
        **{f"recordings[].places[].{key}": "text" for key in ("before", "found", "new", "after")},
        "recordings[].places[].start_seconds": "number",
        "in_glossary": "boolean",
    },
    "offhook speaker": {
        "record_id": "integer",
        "speakers": "list",
        "speakers[]": "object",
        "speakers[].speaker": "text",
        "speakers[].name": "text",
        "speakers[].words": "integer",
        "speakers[].share": "number",
        "speakers[].sample": "object",
        "speakers[].sample.start_seconds": "number",
        "speakers[].sample.text": "text",
    },
    "offhook autostart status": {"enabled": "boolean", "how": "text", "path": "text"},
    "offhook config": {
        "file": "text",
        "settings": "object",
        "settings.*": "object",
        "settings.*.value": "value",
        "settings.*.source": "text",
        "settings.*.doc": "text",
    },
    "offhook outbox": {
        "server": "server or null",
        "recordings": "list",
        "recordings[]": "object",
        "recordings[].id": "integer",
        "recordings[].session_id": "text",
        "recordings[].title": "text",
        "recordings[].state": "text",
        "recordings[].sent_bytes": "integer",
        "recordings[].size_bytes": "integer or null",
        "recordings[].error": "text or null",
        "recordings[].error_code": "text or null",
        "recordings[].server_status": "text or null",
        "recordings[].server_progress": "number",
        "recordings[].server_error": "text or null",
        "recordings[].sent_at": "time or null",
        "recordings[].received_at": "time or null",
        "recordings[].audio_deleted_at": "time or null",
    },
    "offhook doctor": {
        "checks": "list",
        "checks[]": "object",
        "checks[].check": "text",
        "checks[].state": "text",
        "checks[].message": "text",
        "checks[].remedy": "text or null",
    },
    "offhook devices": {
        "microphone": "device or null",
        "loopback": "device or null",
        "devices": "list",
        "devices[]": "device",
        "reason": "text or null",
    },
    "offhook record state": {
        "state": "text",
        "session_id": "text or null",
        "title": "text or null",
        "candidate_id": "text or null",
        "project_id": "text or null",
        "started_at": "time or null",
        "duration_seconds": "number",
        "microphone": "text or null",
        "loopback": "text or null",
        "warnings": "list",
        "warnings[]": "object",
        "warnings[].code": "text",
        "warnings[].message": "text",
        "last": "outcome or null",
        "live": "object or null",
        "live.state": "text",
        "live.why": "text or null",
        "live.behind_seconds": "number",
        "live.final_seconds": "number",
        "live.heard_seconds": "number",
        "live.yields": "text or null",
    },
    "offhook record stop": {".": "outcome"},
    "offhook models list": {
        "models": "list",
        "models[]": "object",
        "models[].name": "text",
        "models[].present": "boolean",
        "models[].bundled": "boolean",
        "models[].folder": "text or null",
        "models[].size_bytes": "integer or null",
        "models[].default": "boolean",
    },
    "offhook machines list": MACHINES,
    "offhook person list": {
        "people": "list",
        "people[]": "object",
        "people[].id": "integer",
        "people[].name": "text",
        "people[].shown_name": "text",
        "people[].role": "text",
        "people[].has_password": "boolean",
        "people[].created_at": "time",
        "people[].disabled_at": "time or null",
    },
    "offhook audit": {
        "entries": "list",
        "entries[]": "object",
        "entries[].id": "integer",
        "entries[].at": "time",
        "entries[].action": "text",
        "entries[].person": "text",
        "entries[].person_id": "integer or null",
        "entries[].record_id": "integer or null",
        "entries[].detail": "text",
        "entries[].address": "text",
    },
    "offhook token create": {
        "kind": "text",
        "expires_at": "time or null",
        "person": "text or null",
        "id": "integer",
        "name": "text",
        "scopes": "list",
        "scopes[]": "text",
        "created_at": "time",
        "token": "text",
    },
    "offhook token list": {
        "tokens": "list",
        "tokens[]": "object",
        "tokens[].id": "integer",
        "tokens[].name": "text",
        "tokens[].kind": "text",
        "tokens[].workstation": "text or null",
        "tokens[].expires_at": "time or null",
        "tokens[].person": "text or null",
        "tokens[].scopes": "list",
        "tokens[].scopes[]": "text",
        "tokens[].created_at": "time",
        "tokens[].last_used_at": "time or null",
    },
    "offhook hooks add": {"id": "integer", "secret": "text or null"},
    "offhook hooks secret": {"id": "integer", "secret": "text"},
    "offhook hooks list": {"hooks": "list", "hooks[]": "hook"},
    "offhook hooks show": {
        "hook": "hook",
        "deliveries": "list",
        "deliveries[]": "object",
        "deliveries[].id": "integer",
        "deliveries[].record_id": "integer",
        "deliveries[].event": "text",
        "deliveries[].message_id": "text",
        "deliveries[].state": "text",
        "deliveries[].attempts": "integer",
        "deliveries[].status": "integer or null",
        "deliveries[].error": "text or null",
        "deliveries[].created_at": "time",
        "deliveries[].next_attempt_at": "time or null",
        "deliveries[].finished_at": "time or null",
    },
    "offhook add": {"records": "list", "records[]": "recording"},
    "offhook transcribe": {"records": "list", "records[]": "recording", "records[].text": "text or null"},
    "offhook backup": {"path": "text", **BACKUP},
    "offhook migrate-to": {
        "database": "text",
        "storage": "text",
        "was_there": "boolean",
        "recordings": "integer",
        "size_bytes": "integer",
        "without_recording": "list",
        "without_recording[]": "integer",
        "tables": "list",
        "tables[]": "object",
        "tables[].name": "text",
        "tables[].rows": "integer",
        "tables[].digest": "text",
    },
    "offhook verify-storage": {
        "objects": "integer",
        "records": "integer",
        "hashes": "boolean",
        "missing": "list",
        "missing[]": "object",
        "missing[].record_id": "integer",
        "missing[].storage_key": "text",
        "damaged": "list",
        "damaged[]": "object",
        "damaged[].record_id": "integer",
        "damaged[].storage_key": "text",
        "unknown": "list",
        "unknown[]": "text",
    },
    "offhook rebuild": {
        "dry_run": "boolean",
        "transcripts": "list",
        "transcripts[]": "object",
        "transcripts[].path": "text",
        "transcripts[].record_id": "integer or null",
        "transcripts[].recording": "text or null",
        "transcripts[].error": "text or null",
    },
    "offhook restore": {"home": "text", "queued_again": "integer", **BACKUP},
    "offhook delete": {".": "erasure"},
    "offhook prune": {".": "erasure"},
    "The receipt of an erasure": {
        "candidate_sha256": "text",
        "salt": "text",
        "begun_at": "time",
        "finished_at": "time or null",
        "recordings": "integer",
        "files": "list",
        "files[]": "object",
        "files[].sha256": "text",
        "files[].size_bytes": "integer",
        "files_that_stay": "integer",
        "shared_storage": "object or null",
        "shared_storage.objects": "list",
        "shared_storage.objects[]": "object",
        "shared_storage.objects[].sha256": "text",
        "shared_storage.objects[].size_bytes": "integer",
        "shared_storage.deleted_with_versions_at": "time or null",
        "shared_storage.not_reached": "list",
        "shared_storage.not_reached[]": "text",
    },
    "The transcript as a file": {
        "version": "integer",
        "record_id": "integer",
        "title": "text",
        "duration_seconds": "number",
        "language": "text or null",
        "language_probability": "number or null",
        "model": "text",
        "flags": "list",
        "flags[]": "text",
        **segments("segments"),
        **OVERLAYS,
        **NOTES,
    },
}


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).utcoffset() == timedelta(0)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


TYPES = {
    "text": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "time": _is_time,
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "value": lambda value: isinstance(value, str | bool) or _is_number(value),
}


def written_out(table: Table) -> Table:
    """A table in which the types that are tables of their own are written out."""
    found: Table = {}
    for key, kind in table.items():
        name, _, null = kind.partition(" or ")
        if name not in NAMED:
            found[key] = kind
            continue
        prefix = "" if key == "." else f"{key}."
        found |= {} if key == "." else {key: "object or null" if null else "object"}
        found |= {f"{prefix}{inner}": of for inner, of in written_out(NAMED[name]).items()}
    return found


def keys_of(table: Table, path: str) -> set[str]:
    """The keys that an object at `path` has."""
    prefix = f"{path}." if path else ""
    inner = {key.removeprefix(prefix) for key in table if key.startswith(prefix)}
    return {name for name in inner if re.fullmatch(r"\w+|\*", name)}


def walk(value: Any, table: Table, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in an answer, with its path as the table has it."""
    yield path, value
    if isinstance(value, list):
        for entry in value:
            yield from walk(entry, table, f"{path}[]")
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        for name, inner in value.items():
            free = f"{prefix}*" in table
            yield from walk(inner, table, f"{prefix}{'*' if free else name}")


def problems(answer: Any, table: Table) -> list[str]:
    """In what an answer departs from its table: keys that are missing, unknown or of another type."""
    table = written_out(table)
    found = []
    for path, value in walk(answer, table):
        if isinstance(value, dict) and (expected := keys_of(table, path)) != {"*"}:
            found += [f"{path}: {name} is missing" for name in expected - value.keys()]
            found += [f"{path}: {name} is unknown" for name in value.keys() - expected]
        kind, _, null = table.get(path, "object" if path == "" else "").partition(" or ")
        if kind and not (TYPES[kind](value) or (null and value is None)):
            found.append(f"{path}: {value!r} is not {table.get(path)}")
    return found
