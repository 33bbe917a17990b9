"""`offhook note`: what a person notes at moments of a recording."""

from __future__ import annotations

import click

from archive.formats.times import moment
from archive.passages import plain
from offhook.commands.options import filled, json_option, pass_desk
from offhook.commands.printing import print_json, say, warn
from offhook.desk import notes
from offhook.desk.changes import write_again
from offhook.desk.desk import Desk
from offhook.desk.speech import milliseconds_of
from shared.store.notes import Note
from shared.times import iso
from shared.words import seconds


@click.command()
@click.argument("record_id", metavar="ID", type=int)
@click.argument("text", metavar="[TEXT]", required=False, callback=filled)
@click.option("--at", metavar="TIME", default="0:00", help="The moment of the note (default: the start).")
@click.option("--delete", "deleted", metavar="N", type=int, help="Delete the note with this number.")
@json_option
@pass_desk
def note(desk: Desk, record_id: int, text: str | None, at: str, deleted: int | None, as_json: bool) -> None:
    """Add a note to a recording, delete one, or list them."""
    if text is not None and deleted is not None:
        raise click.UsageError("TEXT and --delete do not go together.")
    if text is not None:
        notes.add(desk, record_id, milliseconds_of(at), text)
    elif deleted is not None:
        notes.delete(desk, record_id, deleted)
    if text is not None or deleted is not None:
        write_again(desk, record_id)
    found = notes.notes(desk, record_id)
    if as_json:
        print_json({"record_id": record_id, "notes": [_view(it) for it in found]})
    elif found:
        say(*(f"{it.id:>5}  {moment(it.at_ms)}  {plain(it.text)}" for it in found))
    else:
        warn("No notes.")


def _view(found: Note) -> dict[str, object]:
    made_at = iso(found.made_at)
    return {"id": found.id, "at_seconds": seconds(found.at_ms), "text": found.text, "made_at": made_at}
