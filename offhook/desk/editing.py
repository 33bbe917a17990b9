"""Edits a transcript as a text: the text is kept in a file until its changes are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from archive.library import write_whole
from offhook.desk import edit_text
from offhook.desk.changes import changed
from offhook.desk.desk import Desk
from offhook.desk.edit_text import Edited, Unreadable
from offhook.desk.speech import Speech, speech
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
        elif not edit_text.is_of(read_text(path), found):
            raise EditKept(
                f"{path} was made of another transcript of recording {record_id}. Look what you need of it, "
                f"and begin again: `offhook edit {record_id} --fresh`"
            )
        editor(path)
        done = _take(desk, record_id, path)
        path.unlink()
        return done
    finally:
        lock.release()


def take_over(desk: Desk, record_id: int, text: str) -> Done:
    """Store the changes in an edited text. Raises Unreadable, and EditKept if it is of another transcript."""
    found = speech(desk, record_id)
    if not edit_text.is_of(text, found):
        raise EditKept(
            f"The text was made of another transcript of recording {record_id}. "
            f"`offhook edit {record_id} --print` has the present one."
        )
    return _store(desk, found, edit_text.read(text, found))


def _take(desk: Desk, record_id: int, path: Path) -> Done:
    remedy = f"Your text is kept in {path}; `offhook edit {record_id}` goes on with it."
    found = speech(desk, record_id)
    text = read_text(path)
    if not edit_text.is_of(text, found):
        raise EditKept(
            f"The transcript of recording {record_id} has changed meanwhile, so nothing was taken over. "
            f"Your text is kept in {path}; `offhook edit {record_id} --fresh` begins again."
        )
    try:
        return _store(desk, found, edit_text.read(text, found))
    except Unreadable as error:
        raise EditKept(f"{error} Nothing was taken over. {remedy}") from error
    except OffhookError as error:
        raise EditKept(f"{error} {remedy}") from error


def _store(desk: Desk, found: Speech, edited: Edited) -> Done:
    """Store changes as one."""
    record_id, overlays = found.record.id, desk.store.overlays
    engines = _engines_words(desk, record_id)
    new: dict[str, str] = {}
    with changed(desk, record_id, "edit"):
        for it in edited.rewordings:
            words = " ".join(engines[it.first_word : it.last_word + 1])
            if it.text == words:
                overlays.withdraw(record_id, it.first_word, it.last_word)
            else:
                overlays.correct(record_id, it.first_word, it.last_word, it.text)
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
