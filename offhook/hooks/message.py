"""What hooks are sent: the facts of a record, and its words only for a hook that asks for them."""

from __future__ import annotations

import json
import time
from typing import Any

from archive import transcript
from archive.formats.data import speech_in_json
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Delivery, Hook, Record
from shared.times import iso

TEST_EVENT = "test"


def body(store: Store, settings: Settings, hook: Hook, delivery: Delivery, record: Record) -> bytes:
    """Write the message of a delivery. `data` is how the record is now, `timestamp` when it got there."""
    data = _facts(record)
    if hook.has_words:
        data |= _words(store, settings, record)
    return _written(delivery.event, delivery.created_at, data)


def test_body(hook: Hook) -> bytes:
    """Write a message that is about no record."""
    return _written(TEST_EVENT, time.time(), {"hook_id": hook.id})


def _facts(record: Record) -> dict[str, Any]:
    """Describe a record without its words, and without paths of this machine."""
    return {
        "id": record.id,
        "session_id": record.session_id,
        "source": record.source,
        "title": record.title,
        "status": record.transcription_status,
        "error_code": record.error_code,
        "candidate_id": record.candidate_id,
        "project_id": record.project_id,
        "duration_seconds": record.duration_seconds,
        "language": record.language,
        "model": record.model,
        "flags": list(record.flags),
        "created_at": iso(record.created_at),
        "completed_at": iso(record.completed_at),
    }


def _words(store: Store, settings: Settings, record: Record) -> dict[str, Any]:
    spoken = speech_in_json(transcript.load(store, record, settings.my_name))
    passages = spoken["passages"]
    return {
        "text": "\n".join(passage["text"] for passage in passages),
        "speakers": spoken["speakers"],
        "passages": passages,
    }


def _written(event: str, moment: float, data: dict[str, Any]) -> bytes:
    found = {"type": event, "timestamp": iso(moment), "data": data}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
