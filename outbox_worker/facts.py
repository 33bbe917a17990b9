"""What a server is told of a recording: whose call it is, what was chosen for it, how loud each side was."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

from shared.loudness import SideLevels
from shared.store.store import Store
from shared.store.values import Record

#: What there is of each side, and of both.
SIDES = ("microphone", "loopback", "echo")


def facts(store: Store, record: Record, sha256: str, size_bytes: int, *, again: bool) -> dict[str, Any]:
    """Describe a recording with this content; `again`: a person wants it transcribed once more."""
    capture = store.captures.find(record.session_id) if record.is_capture else None
    loudness = store.captures.minutes(record.session_id) if capture else {}
    return {
        "sha256": sha256,
        "size_bytes": size_bytes,
        "suffix": Path(record.recording_path).suffix,
        "title": record.title,
        "candidate_id": record.candidate_id,
        "project_id": record.project_id,
        "source": record.source,
        "created_at": record.created_at,
        "duration_seconds": record.duration_seconds,
        "flags": list(record.flags),
        "options": dict(record.options),
        "layout": capture.layout if capture else None,
        "loudness": [_minute(minute, levels) for minute, levels in loudness.items()],
        "again": again,
    }


def _minute(minute: int, levels: SideLevels) -> dict[str, Any]:
    return {
        "minute": minute,
        "ticks_per_second": levels.ticks_per_second,
        **{side: b64encode(getattr(levels, side)).decode("ascii") for side in SIDES},
    }
