"""Terms of the glossary: what the model is to listen for."""

from __future__ import annotations

import threading

from archive import glossary
from offhook.desk.desk import Desk
from shared.errors import OffhookError

LONGEST = 200
#: One thread of the server adds a term at a time; the file is replaced whole.
_alone = threading.Lock()


class BadTerm(OffhookError):
    """A term of the glossary needs at least one character, and has 200 at most."""

    code = "bad_term"


def add(desk: Desk, term: str) -> bool:
    """Add a term, and return whether it is new. Raises BadTerm, GlossaryUnreadable, OSError."""
    plain = " ".join(term.replace("#", " ").split())
    if not 0 < len(plain) <= LONGEST:
        raise BadTerm
    with _alone:
        return glossary.add(desk.settings.glossary, plain)
