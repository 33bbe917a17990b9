"""The names of files that the inbox takes: the inbox decides by them, and `offhook status` explains."""

from __future__ import annotations

import os

#: What a recording may be called. Anything else in the inbox is left alone.
SUFFIXES = frozenset(
    (
        *(".wav", ".wave", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".caf", ".flac", ".amr", ".awb", ".au"),
        *(
            ".wv",
            ".tta",
            ".mp2",
            ".m4v",
            ".qta",
            ".3g2",
            ".avi",
            ".flv",
            ".ts",
            ".m2ts",
            ".mts",
            ".mpg",
            ".mpeg",
        ),
        *(".mp3", ".m4a", ".m4b", ".aac", ".wma", ".ogg", ".oga", ".opus"),
        *(".mp4", ".mov", ".3gp", ".webm", ".mkv", ".mka"),
    )
)
_ENDINGS = tuple(SUFFIXES)


def may_be_recording(name: str) -> bool:
    """Whether the inbox takes a file of this name."""
    return is_text(name) and not name.startswith(".") and has_known_ending(name)


def is_text(name: str) -> bool:
    """Whether a name can be written as UTF-8, and so into the database."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def has_known_ending(name: str) -> bool:
    """Whether a name ends as those of recordings do."""
    return name.lower().endswith(_ENDINGS)


def as_text(name: str) -> str:
    """Write a name with its bytes that are not UTF-8 as `\\xNN`."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")
