"""`offhook edit`: correct a transcript in a text editor."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import print_json, print_text, say, warn
from offhook.commands.wording import clock_time, counted
from offhook.desk import edit_text, editing
from offhook.desk.changes import changed, undo
from offhook.desk.desk import Desk
from offhook.desk.editing import Done
from offhook.desk.speech import speech
from shared.errors import SettingsError

_MODES = ("undo", "from_file", "printed", "fresh", "drop_unplaced")


@click.command()
@click.argument("record_id", metavar="ID", type=int)
@click.option("--undo", is_flag=True, help="Undo the last change of the recording.")
@click.option("--fresh", is_flag=True, help="Begin with the transcript, not with a text that was kept.")
@click.option("--print", "printed", is_flag=True, help="Print the text that would be edited.")
@click.option(
    "--from",
    "from_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Take the changes from this file, a changed text of --print.",
)
@click.option("--drop-unplaced", is_flag=True, help="Drop the changes that found no place in the transcript.")
@json_option
@pass_desk
def edit(desk: Desk, /, record_id: int, as_json: bool, **given: bool | Path | None) -> None:
    """Correct the words and speakers of a recording in your text editor."""
    chosen = [name for name in _MODES if given[name]]
    if len(chosen) > 1 or (given["printed"] and as_json):
        raise click.UsageError("Give one of these options.")
    if given["printed"]:
        _print(desk, record_id)
    elif given["undo"]:
        _undo(desk, record_id, as_json)
    elif given["drop_unplaced"]:
        _drop_unplaced(desk, record_id, as_json)
    elif isinstance(from_file := given["from_file"], Path):
        _tell(desk, record_id, editing.take_over(desk, record_id, editing.read_text(from_file)), as_json)
    else:
        done = editing.edit(desk, record_id, _open_editor, fresh=bool(given["fresh"]))
        _tell(desk, record_id, done, as_json)


def _open_editor(path: Path) -> None:
    """Let the person's editor change a file. Raises SettingsError."""
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not chosen and not sys.stdin.isatty():
        raise SettingsError("edit needs a terminal. Use --print and --from in programs.")
    try:
        click.edit(filename=str(path))
    except click.ClickException as error:
        raise SettingsError(
            f"{error.format_message()}. Set the variable EDITOR to your editor. The text is kept in {path}."
        ) from error


def _print(desk: Desk, record_id: int) -> None:
    found = speech(desk, record_id)
    print_text(edit_text.text_of(found, desk.store.carrying.unplaced(record_id)))


def _undo(desk: Desk, record_id: int, as_json: bool) -> None:
    undone = undo(desk, record_id)
    if as_json:
        _print_json(record_id, undone=undone.what if undone else None)
    elif undone:
        say(f"Recording {record_id}: the last change is undone ({undone.what}, {clock_time(undone.made_at)})")
    else:
        warn(f"Recording {record_id} has no change that can be undone.")


def _drop_unplaced(desk: Desk, record_id: int, as_json: bool) -> None:
    record = desk.store.records.get(record_id)
    count = len(desk.store.carrying.unplaced(record_id))
    with changed(desk, record, "edit"):
        desk.store.edits.drop_unplaced(record_id)
    if as_json:
        _print_json(record_id, dropped=count)
    else:
        say(f"Recording {record_id}: {counted(count, 'change')} without a place dropped")


def _tell(desk: Desk, record_id: int, done: Done, as_json: bool) -> None:
    if as_json:
        _print_json(record_id, corrected=done.corrected, given=done.given)
        return
    if not done.corrected and not done.given:
        say(f"Recording {record_id}: nothing was changed")
        return
    say(
        f"Recording {record_id}: {counted(done.corrected, 'place')} corrected, "
        f"{counted(done.given, 'passage')} given to another speaker. "
        f"`offhook edit {record_id} --undo` undoes that."
    )
    for name in done.new_names:
        say(f"{name} is new in this recording.")


def _print_json(record_id: int, **done: int | str | None) -> None:
    print_json({"record_id": record_id, "corrected": 0, "given": 0, "undone": None, "dropped": 0, **done})
