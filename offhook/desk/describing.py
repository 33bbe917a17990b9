"""What a person says about a recording: its title, whom the call was with, what it was about."""

from __future__ import annotations

from offhook.desk.desk import Desk
from shared.errors import OffhookError
from shared.plain_text import one_line
from shared.store.values import Record

#: Of a title, a candidate's id or a project's, in characters.
LONGEST = 500
FIELDS = ("title", "candidate_id", "project_id")


class BadDescription(OffhookError):
    """A title or an id cannot be stored like that."""

    code = "bad_description"


def describe(desk: Desk, record_id: int, **given: str | None) -> Record:
    """Change some of FIELDS of a recording; the next sweep of a worker writes its transcripts again.

    None or an empty text takes a candidate or project away. Files keep their names: the place in the library
    is chosen once, when the recording is first archived. Raises RecordNotFound, BadDescription.
    """
    columns = {name: _checked(name, text) for name, text in given.items()}
    return desk.store.choices.describe(record_id, **columns)


def _checked(name: str, text: str | None) -> str | None:
    plain = " ".join(one_line(text or "").split())
    if len(plain) > LONGEST:
        raise BadDescription(f"{name} has {len(plain):,} characters; {LONGEST} are allowed.")
    if name == "title" and not plain:
        raise BadDescription("A title needs at least one character.")
    return plain or None
