"""Recreates records from the JSON files in the library, for a database that was lost or emptied.

Each file is one transaction, after which its place in the library is reserved. So an interrupted rebuild can
be run again, and existing records do not change.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive import overlay_files, written
from archive.exports import FORMATS
from archive.formats.data import JSON_VERSION
from archive.library import beside
from archive.transcript import Overlay
from shared.errors import in_words
from shared.files import Fingerprint, names_in, read_regular, sha256_of
from shared.settings import Settings
from shared.speakers import PERSON
from shared.store.store import Store
from shared.words import Segment

LARGEST_BYTES = 500_000_000
WORKER, LEASE_SECONDS = "rebuild", 60.0


@dataclass(frozen=True)
class Rebuilt:
    """A transcript in the library: its record, or the reason why it has none."""

    path: Path
    record_id: int | None = None
    recording: Path | None = None
    error: str | None = None


def orphans(settings: Settings, store: Store) -> list[Path]:
    """Return the JSON files in the library that belong to no record, in the order of their names."""
    known = {stem.casefold() for stem in store.places.stems()}
    found = sorted(settings.library.rglob("*.json"))
    return [path for path in found if _stem(settings, path).casefold() not in known]


def rebuild(settings: Settings, store: Store, *, dry_run: bool) -> Iterator[Rebuilt]:
    """Add a record for every transcript without one; call it under `Library.alone`. Raises StoreError."""
    for path in orphans(settings, store):
        try:
            found = _read(path)
            segments = [Segment.from_json(segment) for segment in found["segments"]]
            overlay = overlay_files.read(found)
            overlay_files.notes(found)  # a damaged one is found before anything is added
            recording = _recording_beside(path)
            record_id = None if dry_run else _add(settings, store, path, found, segments, overlay, recording)
            yield Rebuilt(path, record_id, recording)
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            yield Rebuilt(path, error=in_words(error))


def _read(path: Path) -> dict[str, Any]:
    """Read the export of a transcript. Raises OSError, ValueError."""
    found = json.loads(read_regular(path, LARGEST_BYTES, follow_links=False))
    if not isinstance(found, dict) or not isinstance(found.get("segments"), list):
        raise ValueError("It is not a transcript.")
    if found.get("version", JSON_VERSION) > JSON_VERSION:
        raise ValueError("A newer offhook has written it. Update offhook and try again.")
    return found


def _recording_beside(path: Path) -> Path | None:
    """Return the recording beside a transcript: the file of its name that is no export."""
    beginning, formats = path.name.removesuffix("json"), tuple(FORMATS)
    for name in sorted(names_in(path.parent)):
        suffix = name.removeprefix(beginning)
        if name.startswith(beginning) and suffix and "." not in suffix and suffix not in formats:
            return path.with_name(name)
    return None


def _add(
    settings: Settings,
    store: Store,
    path: Path,
    found: dict[str, Any],
    segments: list[Segment],
    overlay: Overlay,
    recording: Path | None,
) -> int:
    """Add the record, its transcript with what is laid over it, and its place; all of them or nothing."""
    stem = path.with_name(path.name.removesuffix(".json"))
    where = recording or beside(stem, "wav")
    files = written.at_place(stem).values()
    with store.transaction():
        record = store.records.add(
            source="inbox",
            title=_fact(found, "title", str) or path.stem,
            recording_path=str(where),
            session_id=str(uuid.uuid4()),
            **(_content(recording) if recording else {}),
        )
        model = _fact(found, "model", str) or "unknown"
        claim = store.claims.claim(record.id, worker_id=WORKER, model=model, lease_seconds=LEASE_SECONDS)
        if claim is None:
            raise ValueError("Its record cannot be claimed.")
        machine = [label for label in overlay.labels if label.source != PERSON]
        done = store.claims.complete(claim, segments, machine, **_facts(found))
        store.deliveries.forget(done.id)  # it was completed long ago
        _lay_over(store, done.id, overlay)
        for at_ms, text, made_at in overlay_files.notes(found):
            store.notes.add(done.id, at_ms, text, made_at)
        store.places.reserve_stem(done.id, iter([_stem(settings, path)]))
        store.places.add_files(done.id, files)
        store.places.mark_archived(done, str(where))
    return record.id


def _content(recording: Path) -> dict[str, Any]:
    about = Fingerprint.of(recording)
    return {
        "sha256": sha256_of(recording),
        "size_bytes": about.size_bytes,
        "modified_ns": about.modified_ns,
    }


def _facts(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "duration_seconds": _fact(found, "duration_seconds", int, float),
        "language": _fact(found, "language", str),
        "language_probability": _fact(found, "language_probability", int, float),
    }


def _lay_over(store: Store, record_id: int, overlay: Overlay) -> None:
    """Bring back what persons had laid over the words."""
    persons = [label for label in overlay.labels if label.source == PERSON]
    store.overlays.replace_those_of_persons(record_id, persons, overlay.corrections)
    store.overlays.replace_names(record_id, overlay.names)
    store.transcripts.correct_index(record_id, overlay.corrections)


def _fact(found: dict[str, Any], name: str, *kinds: type) -> Any:
    value = found.get(name)
    return value if isinstance(value, kinds) and not isinstance(value, bool) else None


def _stem(settings: Settings, path: Path) -> str:
    return path.relative_to(settings.library).as_posix().removesuffix(".json")
