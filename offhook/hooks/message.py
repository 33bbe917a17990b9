"""What hooks are sent: the facts of a record, and its words only for a hook that asks for them.

The words of a long call are written by a process of its own, `python -m offhook.hooks.message HOME ID`: they
would stay in the server's memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from archive import transcript
from archive.formats.data import passages_in_json
from offhook.desk.desk import Desk
from offhook.desk.exporting import SHORT_WORDS
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Delivery, Hook, Record
from shared.times import iso
from shared.windows import CREATE_NO_WINDOW, creation_flags

TEST_EVENT = "test"
PATIENCE_SECONDS = 120.0


def body(store: Store, settings: Settings, hook: Hook, delivery: Delivery) -> bytes:
    """Write the message of a delivery. `data` is how the record is now, `timestamp` when it got there.

    Raises RecordNotFound.
    """
    record = store.records.get(delivery.record)
    if hook.has_words and store.parts.words(record.id) > SHORT_WORDS:
        return _written_elsewhere(settings, delivery)
    return _body(store, settings, hook, delivery, record)


def test_body(hook: Hook) -> bytes:
    """Write a message that is about no record."""
    return _written(TEST_EVENT, time.time(), {"hook_id": hook.id})


def _body(store: Store, settings: Settings, hook: Hook, delivery: Delivery, record: Record) -> bytes:
    data = _facts(record)
    if hook.has_words:
        data |= _words(store, settings, record)
    return _written(delivery.event, delivery.created_at, data)


def _written_elsewhere(settings: Settings, delivery: Delivery) -> bytes:
    command = [sys.executable, "-m", "offhook.hooks.message", str(settings.home), str(delivery.id)]
    flags = creation_flags(CREATE_NO_WINDOW)
    done = subprocess.run(
        command, capture_output=True, timeout=PATIENCE_SECONDS, check=True, creationflags=flags
    )
    return done.stdout


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
    spoken = passages_in_json(transcript.load(store, record, settings.my_name))
    passages = spoken["passages"]
    return {
        "text": "\n".join(passage["text"] for passage in passages),
        "speakers": spoken["speakers"],
        "passages": passages,
    }


def _written(event: str, moment: float, data: dict[str, Any]) -> bytes:
    found = {"type": event, "timestamp": iso(moment), "data": data}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()


def main(home: str, delivery_id: str) -> None:
    """Write the message of a delivery to the standard output."""
    with Desk({"home": home}) as desk:
        delivery = desk.store.deliveries.get(int(delivery_id))
        hook, record = desk.store.hooks.get(delivery.hook), desk.store.records.get(delivery.record)
        content = _body(desk.store, desk.settings, hook, delivery, record)
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
