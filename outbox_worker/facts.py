"""What a server is told of a recording: whose call it is, what was chosen for it, how loud each side was."""

from __future__ import annotations

import re
from pathlib import Path

from archive.team_messages import CallFacts, minutes_of
from shared.store.store import Store
from shared.store.values import Record

LONGEST_TEXT = 500
_SUFFIX = re.compile(r"\.[a-z0-9]{1,10}")


def facts(store: Store, record: Record, sha256: str, size_bytes: int, *, again: bool) -> CallFacts:
    """Describe a recording with this content; `again`: a person wants it transcribed once more."""
    suffix = Path(record.recording_path).suffix.lower()
    told = CallFacts(
        sha256=sha256,
        size_bytes=size_bytes,
        suffix=suffix if _SUFFIX.fullmatch(suffix) else "",
        title=record.title[:LONGEST_TEXT],
        source=record.source,
        created_at=record.created_at,
        candidate_id=record.candidate_id and record.candidate_id[:LONGEST_TEXT],
        project_id=record.project_id and record.project_id[:LONGEST_TEXT],
        duration_seconds=record.duration_seconds,
        flags=list(record.flags),
        options=dict(record.options),
        again=again,
    )
    if record.is_capture and (capture := store.captures.find(record.session_id)):
        told.layout, told.started_at = capture.layout, capture.started_at
        told.verdict = dict(capture.verdict)
        told.loudness = minutes_of(store.captures.minutes(record.session_id))
    return told
