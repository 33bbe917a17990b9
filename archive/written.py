"""What was written of a record's transcripts into the library, by which renamed files are found.

The size and hash of a file are stored before the file has its content, and forgotten once another content has
taken its place. A file that a person had renamed by then keeps its row, so that a deletion finds it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from archive import transcript
from archive.exports import FORMATS, IN_LIBRARY
from archive.formats.earlier import EARLIER
from archive.renamed import Content
from archive.transcript import Transcript
from shared.files import sha256_of
from shared.store.places import LibraryFile
from shared.store.store import Store
from shared.store.values import Record

#: Contents of transcripts in which nothing was said, which other files may have as well.
_OF_ANYBODY = (b"", b"WEBVTT\n")


def rendered(found: Transcript) -> dict[str, bytes]:
    """Return the content of each file that the library has of a transcript, by its suffix."""
    return {suffix: FORMATS[suffix].content(found) for suffix in IN_LIBRARY}


def at_place(stem: Path) -> dict[str, LibraryFile]:
    """Return the transcripts that are under the names of a record, by suffix."""
    found = {}
    for suffix in IN_LIBRARY:
        with suppress(OSError):
            path = stem.with_name(f"{stem.name}.{suffix}")
            found[suffix] = LibraryFile(suffix, path.stat().st_size, sha256_of(path, follow_links=False))
    return found


@contextmanager
def replacing(
    store: Store,
    found: Transcript,
    new: Mapping[str, bytes],
    present: Mapping[str, LibraryFile],
    *,
    is_first: bool,
) -> Iterator[None]:
    """Store what is written inside; forget the `present` contents, whose place it takes.

    If the process ends inside, the old and the new contents are known.
    """
    before = store.places.files(found.record_id)
    if not is_first and not before:  # written by a version that did not store this
        before = _unstored(found, without=present)
    after = _described(new)
    store.places.add_files(found.record_id, [*before, *after])
    yield
    if gone := [file for file in before if file == present.get(file.suffix) and file not in after]:
        store.places.forget_files(found.record_id, gone)


def renamed(store: Store, record: Record, present: Mapping[str, LibraryFile]) -> set[Content]:
    """Return the contents of a record's transcripts that may be under other names than their own."""
    known = store.places.files(record.id)
    elsewhere = [file for file in known if file != present.get(file.suffix)]
    if record.archived_at is not None and not known and len(present) < len(IN_LIBRARY):
        elsewhere = _unstored(transcript.load(store, record, my_name=""), without=present)
    return {Content(file.size_bytes, file.sha256) for file in elsewhere}


def _unstored(found: Transcript, without: Collection[str]) -> list[LibraryFile]:
    """Return what a version that did not store it has written of a transcript."""
    files = _described({suffix: write(found).encode() for suffix, write in EARLIER.items()})
    return [file for file in files if file.suffix not in without]


def _described(contents: Mapping[str, bytes]) -> list[LibraryFile]:
    found = ((suffix, Content.of(raw)) for suffix, raw in contents.items() if raw not in _OF_ANYBODY)
    return [LibraryFile(suffix, content.size_bytes, content.sha256) for suffix, content in found]
