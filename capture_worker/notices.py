"""What capture tells a person while it records: a code for programs, a sentence for people."""

from __future__ import annotations

from collections.abc import Callable

#: Takes a code and a sentence.
Warn = Callable[[str, str], None]

NOTICES = {
    "microphone_missing": "There is no microphone: only what you hear is recorded.",
    "loopback_missing": "There is no loopback: only the microphone is recorded.",
    "device_missing": "There is no {wanted!r}: {device} is recorded instead.",
    "device_unusable": "The {side} cannot be opened, and is tried again: {error}",
    "device_lost": "The {side} is gone. It is used again as soon as it is back.",
    "device_opened": "The {side} is {device} now.",
    "loopback_silent": "Nothing is heard from the other side. Perhaps the call plays on another device.",
    "disk_low": "There is little room left on the disk.",
    "queued_later": "The recording is safe, and will be queued later: {error}.",
    "consent": "{reminder}",
}


def notice(warn: Warn, code: str, **facts: object) -> str:
    """Warn of something in its own words, and return them."""
    message = NOTICES[code].format(**facts)
    warn(code, message)
    return message
