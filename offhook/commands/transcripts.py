"""Commands that read transcripts: show, export."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

import click

from archive import transcript
from archive.exports import FORMATS, IN_LIBRARY
from archive.formats.data import notes_in_json, speech_in_json
from archive.formats.facts import notes
from archive.formats.times import moment
from archive.library import beside, safe_name, write_whole
from archive.passages import Passage, passages
from archive.transcript import Transcript
from offhook.commands.options import json_option, pass_desk
from offhook.commands.printing import print_bytes, print_json, print_text, say, say_coloured
from offhook.commands.wording import SPEAKER_COLOURS, length
from offhook.desk.capture_quality import in_words
from offhook.desk.desk import Desk
from offhook.desk.edit_text import unplaced_in_words
from offhook.desk.views import FLAGS, record_view, unplaced_view
from shared.errors import StateConflict
from shared.files import real
from shared.speakers import UNSURE
from shared.store.transitions import COMPLETED
from shared.store.values import Record


@click.command()
@click.argument("record_id", metavar="ID", type=int)
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), help="Print the transcript alone, in this format."
)
@json_option
@pass_desk
def show(desk: Desk, record_id: int, form: str | None, as_json: bool) -> None:
    """Show a recording and its transcript; while it is being transcribed, what there is so far."""
    if form and as_json:
        raise click.UsageError("--format and --json do not go together.")
    record = desk.store.records.get(record_id)
    found = _transcript(desk, record)
    if form:
        _print(_finished(record, found), form)
    elif as_json:
        said = speech_in_json(found)
        verdict = desk.store.captures.verdict(record.session_id)
        about = {**record_view(record, desk.settings), "capture": verdict}
        unplaced = [unplaced_view(it) for it in desk.store.carrying.unplaced(record.id)]
        said = {"transcript": said.pop("segments"), **said, **notes_in_json(found)}
        print_json({**about, **said, "unplaced": unplaced})
    else:
        say(*_heading(desk, record), "")
        say_coloured(*_lines(record, found))
        if noted := notes(found):
            say("", "Notes:", *(f"[{at}] {text}" for at, text in noted))
        if lost := _lost(desk, found):
            say(*lost)


@click.command()
@click.argument("record_ids", metavar="[ID...]", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Export every finished transcript.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="txt",
    show_default=True,
    help="File format.",
)
@click.option(
    "--output",
    "-o",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder to write into (default: the current one).",
)
@pass_desk
def export(desk: Desk, record_ids: tuple[int, ...], everything: bool, form: str, output: Path) -> None:
    """Write transcripts to files, named after their recordings."""
    if everything == bool(record_ids):
        raise click.UsageError("Give recordings, or --all.")
    if real(output).is_relative_to(real(desk.settings.home)):
        raise click.UsageError(
            f"{output.absolute()} is inside of {desk.settings.home}, where no file may outlive its "
            "recording. Choose a folder outside: --output FOLDER."
        )
    output.mkdir(parents=True, exist_ok=True)
    finished = desk.store.records.every(COMPLETED)
    for record in [desk.store.records.get(i) for i in record_ids] or finished:
        found = _finished(record, _transcript(desk, record))
        path = beside(output / f"{safe_name(record.title)}-{record.id}", form)
        write_whole(path, FORMATS[form].content(found))
        say(str(path))


def _print(found: Transcript, form: str) -> None:
    """Print a transcript as a file of a format."""
    write = FORMATS[form]
    if write.text:
        print_text(write.text(found), is_json=form == "json")
    else:
        print_bytes(write.content(found), f"`offhook export {found.record_id} --format {form}`")


def _transcript(desk: Desk, record: Record) -> Transcript:
    return transcript.so_far(desk.store, record, desk.settings.my_name)


_ON_ITS_WAY = "not there yet; a worker sees to it, and `offhook doctor` says what is in its way"
_OUT_OF_DATE = "its transcripts there are older than the last change; a worker writes them again"
_REMEDIES = {
    "queued": "`offhook status` shows the queue.",
    "processing": "`offhook status` shows how far it is.",
    "failed": "`offhook retry` queues it again.",
    "cancelled": "`offhook retry` queues it again.",
}
_NO_STATE = "That is no state. `offhook retry` queues it again."


def _finished(record: Record, found: Transcript) -> Transcript:
    if record.transcription_status != COMPLETED:
        why = record.transcription_error or _REMEDIES.get(record.transcription_status, _NO_STATE)
        raise StateConflict(f"Recording {record.id} is {record.transcription_status}. {why}")
    return found


def _heading(desk: Desk, record: Record) -> list[str]:
    """Say in words what is known of a recording."""
    facts = (
        ("Recording", f"{record.id}  {record.title}"),
        ("Status", _status(record)),
        ("Length", length(record.duration_seconds)),
        ("Language", _language(record)),
        ("Model", record.model),
        ("Candidate", record.candidate_id),
        ("Project", record.project_id),
        ("File", record.recording_path),
        ("Library", _library(desk, record)),
        ("Damaged", _damaged(record)),
        *(("Note", FLAGS.get(flag, flag)) for flag in record.flags),
        *(in_words(verdict) if (verdict := desk.store.captures.verdict(record.session_id)) else ()),
    )
    return [f"{name + ':':<12}{value}" for name, value in facts if value]


def _language(record: Record) -> str | None:
    """Say which language was given or found, and how sure that is."""
    if record.language is None or record.language_probability is None:
        return record.language
    return f"{record.language} (found, {record.language_probability:.0%} sure)"


def _library(desk: Desk, record: Record) -> str | None:
    """Say that the library lacks what is here; None if it does not."""
    if record.transcription_status != COMPLETED or record.archived_at is not None:
        return None
    stem = desk.settings.library / (record.library_stem or "nowhere")
    was_there = any(beside(stem, suffix).is_file() for suffix in IN_LIBRARY)
    return _OUT_OF_DATE if was_there else _ON_ITS_WAY


def _damaged(record: Record) -> str | None:
    """Name the columns whose values could not be read."""
    if not record.damaged:
        return None
    return f"{', '.join(record.damaged)} in the database; `offhook doctor` says what brings it back"


def _status(record: Record) -> str:
    error = f": {record.transcription_error}" if record.transcription_error else ""
    progress = f" {record.progress:.0%}" if record.transcription_status == "processing" else ""
    return f"{record.transcription_status}{progress}{error}"


def _lost(desk: Desk, found: Transcript) -> list[str]:
    """Name the changes by persons that no longer fit, if there are any."""
    record_id = found.record_id
    lost = [unplaced_in_words(it, found.names) for it in desk.store.carrying.unplaced(record_id)]
    remedy = f"`offhook edit {record_id}` shows them too; --drop-unplaced drops them."
    return ["", "No longer in the transcript:", *lost, remedy] if lost else []


_Line = list[tuple[str, str | None]]


def _lines(record: Record, found: Transcript) -> list[_Line]:
    """Return a line for each passage, in parts with their colours."""
    if record.transcription_status == COMPLETED and not found.segments:
        return [[("(no speech was found)", None)]]
    spoken = [passage for passage in passages(found) if passage.line]
    known = dict.fromkeys(it.speaker for it in spoken if it.speaker and it.speaker != UNSURE)
    colours = dict(zip(known, cycle(SPEAKER_COLOURS), strict=False))
    return [_spoken(it, colours.get(it.speaker or "")) for it in spoken]


def _spoken(passage: Passage, colour: str | None) -> _Line:
    name = f"{passage.shown_name}: " if passage.shown_name else ""
    doubt = " (?)" if passage.doubts else ""
    return [(f"[{moment(passage.start_ms)}] ", None), (name, colour), (f"{passage.line}{doubt}", None)]
