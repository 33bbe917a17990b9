"""Notices to a person while a recording runs: a code for programs, a sentence for people."""

from __future__ import annotations

from collections.abc import Callable

#: Takes a code and a sentence.
Warn = Callable[[str, str], None]

NOTICES = {
    "microphone_missing": "There is no microphone: only what you hear is recorded.",
    "loopback_missing": "There is no loopback: only the microphone is recorded.",
    "device_missing": "There is no {wanted!r}: {device} is recorded instead.",
    "device_unusable": "The {side} cannot be opened; it will be tried again: {error}",
    "device_lost": "The {side} was lost. It will be used again when it is back.",
    "device_opened": "The {side} is {device} now.",
    "loopback_silent": "The other side is silent. Perhaps the call plays on another device.",
    "disk_low": "Less than 500 MB are free on the disk.",
    "queued_later": "The recording is saved; it will be queued automatically: {error}.",
    "consent": "{reminder}",
}


def notice(warn: Warn, code: str, **facts: object) -> str:
    """Pass on a notice, and return its sentence."""
    message = NOTICES[code].format(**facts)
    warn(code, message)
    return message
