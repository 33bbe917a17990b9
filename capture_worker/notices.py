"""Notices while a recording runs: a code for programs, a sentence for people."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable

from shared.settings import Settings

#: Takes a code and a sentence.
Warn = Callable[[str, str], None]

LITTLE_DISK_BYTES = 500_000_000

NOTICES = {
    "microphone_missing": "There is no microphone: only what you hear is recorded.",
    "loopback_missing": "There is no loopback: only the microphone is recorded.",
    "device_missing": "There is no {wanted!r}: {device} is recorded instead.",
    "device_unusable": "The {side} cannot be opened; it will be tried again: {error}",
    "device_lost": "The {side} was lost. It will be used again when it is back.",
    "device_opened": "The {side} is {device} now.",
    "loopback_silent": "The other side is silent. Perhaps the call plays on another device.",
    "disk_low": "Less than 500 MB are free on the disk.",
    "queued_later": "The recording is saved; it will be queued automatically. {error}",
    "consent": "{reminder}",
}


def notice(warn: Warn, code: str, **facts: object) -> str:
    """Send a notice, and return its sentence."""
    message = NOTICES[code].format(**facts)
    warn(code, message)
    return message


def notices_at_start(warn: Warn, settings: Settings) -> None:
    """Send the notices of a recording's start: a nearly full disk, and the reminder of consent."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(settings.recording).free < LITTLE_DISK_BYTES:
            notice(warn, "disk_low")
    if settings.consent_reminder:
        notice(warn, "consent", reminder=settings.consent_reminder)
