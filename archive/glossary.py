"""`glossary.txt` in the home: terms for the model to listen for, one a line; `#` begins a comment."""

from __future__ import annotations

import codecs
from pathlib import Path

from archive.library import write_whole
from shared.errors import OffhookError
from shared.files import LargerThanAllowed, NotRegular, read_regular

#: Far more than the model reads.
LARGEST_BYTES = 1_000_000
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class GlossaryUnreadable(OffhookError):
    """The glossary cannot be read. Make it a text file of at most 1 MB, in UTF-8."""

    code = "glossary_unreadable"


def terms(path: Path) -> list[str]:
    """Return the terms of a glossary, each once, in order; none without a file. Raises GlossaryUnreadable."""
    lines = (line.partition("#")[0].split() for line in _read(path).splitlines())
    return list(dict.fromkeys(" ".join(words) for words in lines if words))


def add(path: Path, term: str) -> bool:
    """Add a term at the end of a glossary, unless it has it. Raises GlossaryUnreadable, OSError."""
    plain = " ".join(term.replace("#", " ").split())
    text = _read(path)
    if not plain or plain in terms(path):
        return False
    line_feed = "" if not text or text.endswith("\n") else "\n"
    write_whole(path, f"{text}{line_feed}{plain}\n")
    return True


def _read(path: Path) -> str:
    """Read a text file as editors write it: UTF-8, with or without a mark, or UTF-16 with one."""
    try:
        raw = read_regular(path, LARGEST_BYTES)
        return raw.decode("utf-16" if raw.startswith(_UTF_16) else "utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, NotRegular, LargerThanAllowed, ValueError) as error:
        raise GlossaryUnreadable(
            f"{path} cannot be read. Make it a text file of at most 1 MB, in UTF-8."
        ) from error
