"""A hint as the queue has it: a message of Huey with the number of a record, in JSON."""

from __future__ import annotations

import json
from typing import Any

from huey.registry import Message
from huey.serializer import Serializer

TASK = "transcribe"


class JsonSerializer(Serializer):  # type: ignore[misc]
    """Writes messages as JSON: unlike a pickle, reading one cannot run code."""

    def _serialize(self, data: Any) -> bytes:
        return json.dumps(data).encode()

    def _deserialize(self, data: bytes) -> Any:
        found = json.loads(bytes(data))
        return Message(*found) if isinstance(found, list) else found


def record_id_of(data: Any) -> int | None:
    """Read the record id of a message; None if it is damaged."""
    try:
        message = Message(*json.loads(bytes(data)))
        (record_id,) = message.args
    except (ValueError, TypeError, RecursionError):
        return None
    return record_id if type(record_id) is int and message.name.endswith(TASK) else None
