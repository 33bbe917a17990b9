"""Edits a transcript as a text: the text is kept in a file until its changes are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from archive.library import write_whole
from offhook.desk import edit_text
from offhook.desk.changes import changed, lay
from offhook.desk.desk import Desk
from offhook.desk.speech import speech
from shared.errors import OffhookError
from shared.files import LargerThanAllowed, NotRegular, read_regular
from shared.home import make_folder
from shared.locks import FileLock

LARGEST_BYTES = 50_000_000


class EditKept(OffhookError):
    """The edited text was not taken over. It is kept."""

    code = "edit_kept"


class EditRefused(OffhookError):
    """The recording is being edited already."""

    code = "edit_refused"


@dataclass(frozen=True)
class Done:
    """How many places were corrected, and how many passages given to another speaker."""

    corrected: int
    given: int
    new_names: tuple[str, ...] = ()


def kept_file(desk: Desk, record_id: int) -> Path:
    """Return where the text of a recording is while it is edited, and after that if it was not taken over."""
    return desk.settings.edits / f"{record_id}.txt"


def edit(desk: Desk, record_id: int, editor: Callable[[Path], None], *, fresh: bool = False) -> Done:
    """Let a person edit a recording's text, and store the changes.

    A text that was kept is gone on with, unless `fresh`. Raises NothingSaid, EditRefused, and EditKept with
    the path of the text and the reason if it cannot be taken over.
    """
    found = speech(desk, record_id)
    lock = FileLock(desk.settings.locks / f"edit-{record_id}.lock")
    if not lock.acquire():
        raise EditRefused(f"Recording {record_id} is being edited already.")
    try:
        path = kept_file(desk, record_id)
        make_folder(path.parent)
        if fresh or not path.exists():
            write_whole(path, edit_text.text_of(found, desk.store.carrying.unplaced(record_id)))
        elif edit_text.version_of(read_text(path)) != edit_text.version(found):
            raise EditKept(
                f"{path} was made of another transcript of recording {record_id}. Look what you need of it, "
                f"and begin again: `offhook edit {record_id} --fresh`"
            )
        editor(path)
        done = _take(desk, record_id, path, edit_text.version(found))
        path.unlink()
        return done
    finally:
        lock.release()


def take_over(desk: Desk, record_id: int, text: str) -> Done:
    """Store the changes in an edited text. Raises Unreadable, and EditKept if it is of another transcript."""
    try:
        return _store(desk, record_id, text, edit_text.version_of(text))
    except _OutOfDate:
        raise EditKept(
            f"The text was made of another transcript of recording {record_id}. "
            f"`offhook edit {record_id} --print` has the present one."
        ) from None


def _take(desk: Desk, record_id: int, path: Path, version: str) -> Done:
    try:
        return _store(desk, record_id, read_text(path), version)
    except _OutOfDate:
        raise EditKept(
            f"The transcript of recording {record_id} has changed meanwhile, so nothing was taken over. "
            f"Your text is kept in {path}; `offhook edit {record_id} --fresh` begins again."
        ) from None
    except OffhookError as error:
        remedy = f"Your text is kept in {path}; `offhook edit {record_id}` goes on with it."
        raise EditKept(f"{error} Nothing was taken over. {remedy}") from error


class _OutOfDate(Exception):
    """The transcript is not the one that the text was made of."""


def _store(desk: Desk, record_id: int, text: str, version: str | None) -> Done:
    """Store the changes in a text that was made of a version. Raises Unreadable, _OutOfDate."""
    found, overlays = speech(desk, record_id), desk.store.overlays
    if edit_text.version(found) != version:
        raise _OutOfDate
    edited = edit_text.read(text, found)
    engines = _engines_words(desk, record_id)
    new: dict[str, str] = {}
    with changed(desk, found.record, "edit"):
        if edit_text.version(speech(desk, record_id)) != version:  # changed by another process since
            raise _OutOfDate
        for it in edited.rewordings:
            lay(desk, record_id, it, " ".join(engines[it.first_word : it.last_word + 1]))
        for given in edited.given:
            speaker = found.speaker_of(given.name) or new.get(given.name)
            if speaker is None:
                speaker = new[given.name] = found.new_speaker(new.values())
                overlays.rename(record_id, speaker, given.name)
            overlays.assign(record_id, given.first_word, given.last_word, speaker)
    return Done(len(edited.rewordings), len(edited.given), tuple(new))


def _engines_words(desk: Desk, record_id: int) -> list[str]:
    segments = desk.store.transcripts.segments(record_id)
    return [" ".join(word.text.split()) for segment in segments for word in segment.words]


def read_text(path: Path) -> str:
    """Read an edited text, as editors write it. Raises EditKept."""
    try:
        return read_regular(path, LARGEST_BYTES).decode("utf-8-sig")
    except (OSError, NotRegular, LargerThanAllowed, ValueError) as error:
        raise EditKept(f"{path} cannot be read as text in UTF-8. Nothing was taken over.") from error
