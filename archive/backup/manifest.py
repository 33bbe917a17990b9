"""The manifest of a backup: written last, and compared with the backup's files before a restore."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from archive.backup import names
from shared.errors import OffhookError
from shared.files import LargerThanAllowed, NotRegular, read_regular, sha256_of
from shared.home import RESTORE_PART
from shared.plain_text import one_line
from shared.store.store import refuse_newer

NAME = "manifest.json"
#: Format version; bump on incompatible change.
FORMAT = 1
#: Limits of a manifest that is read; one with a million files of long names is within them.
LARGEST_MANIFEST_BYTES, DEEPEST_NAME, LONGEST_NAME = 500_000_000, 64, 4096
DATABASE, CONFIG = "offhook.db", "config.toml"
#: Parts of a home that are never in a backup: offhook creates them again, or a copy would do harm.
LEFT_OUT = (
    *("locks", "logs", "models", "uploads", "playback", "copies"),
    *("queue.db", "control.json", "tuning.json", "host"),
    *(f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal", RESTORE_PART, NAME),
)
_LEFT_OUT = {names.folded(name) for name in LEFT_OUT}

_ABSENCE = {"record_id": (int, type(None)), "path": str, "reason": str}
#: The shape of a manifest: a list has one kind of entry; `...` is any name.
_SHAPE = {
    "created_at": str,
    "home": str,
    "schema": [str],
    "counts": {...: int},
    "files": {...: {"size_bytes": int, "modified_ns": int, "sha256": str}},
    "missing": [_ABSENCE],
    "elsewhere": [_ABSENCE],
}


class BadBackup(OffhookError):
    """The backup is incomplete or damaged."""

    code = "bad_backup"


@dataclass(frozen=True)
class Entry:
    """A file as it was copied."""

    size_bytes: int
    modified_ns: int
    sha256: str


@dataclass(frozen=True)
class Absence:
    """A recording that is missing from the backup or differs from its record, and why."""

    record_id: int | None
    path: str
    reason: str


@dataclass(frozen=True)
class Manifest:
    """A backup: when it was made, of which home, its schema, and its content."""

    created_at: str
    home: str
    schema: list[str]
    counts: dict[str, int]
    files: dict[str, Entry] = field(default_factory=dict)
    missing: list[Absence] = field(default_factory=list)
    elsewhere: list[Absence] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        """The size of all files."""
        return sum(entry.size_bytes for entry in self.files.values())

    def as_json(self) -> str:
        """Return the manifest as JSON text."""
        return json.dumps({"format": FORMAT, **asdict(self)}, ensure_ascii=False, indent=1) + "\n"


def read(backup: Path) -> Manifest:
    """Read the manifest of a backup. Raises BadBackup, NewerDatabase."""
    path = backup / NAME
    try:
        found = json.loads(_text(path))
        newer = found.pop("format") > FORMAT
    except FileNotFoundError:
        raise BadBackup(f"{backup} is not a complete backup: it has no {NAME}.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadBackup(f"{path} is damaged. Use another backup.") from error
    if newer:
        raise BadBackup(f"{backup} was made by a newer offhook. Update offhook and try again.")
    return _checked(_parsed(found, path), backup)


def verify(backup: Path, manifest: Manifest, report: Callable[[int], None]) -> None:
    """Check that every file is as it was copied. Raises BadBackup, naming the files that are not."""
    damaged = []
    for name, entry in manifest.files.items():
        if (why := _damage(backup / name, entry)) is not None:
            damaged.append(f"{name} {why}")
        report(entry.size_bytes)
    if damaged:
        listed = "".join(f"\n  {one_line(line)}" for line in damaged)
        raise BadBackup(f"{backup} has changed since it was made. Use another backup.{listed}")


def is_kept(name: Path) -> bool:
    """Whether a file of this name, relative to the home, may be in a backup."""
    inside = not (name.is_absolute() or name.drive or ".." in name.parts or "\0" in str(name))
    return inside and bool(name.parts) and names.folded(name.parts[0]) not in _LEFT_OUT


def _parsed(found: dict[str, Any], path: Path) -> Manifest:
    if not _fits(found, _SHAPE):
        raise BadBackup(f"{path} is damaged. Use another backup.")
    files = {name: Entry(**entry) for name, entry in found.pop("files").items()}
    missing, elsewhere = ([Absence(**entry) for entry in found.pop(key)] for key in ("missing", "elsewhere"))
    return Manifest(**found, files=files, missing=missing, elsewhere=elsewhere)


def _fits(found: Any, shape: Any) -> bool:
    if isinstance(shape, list):
        return isinstance(found, list) and all(_fits(entry, shape[0]) for entry in found)
    if isinstance(shape, dict) and isinstance(found, dict):
        shapes = dict.fromkeys(found, shape[...]) if ... in shape else shape
        return found.keys() == shapes.keys() and all(_fits(found[key], shapes[key]) for key in found)
    return not isinstance(shape, dict) and isinstance(found, shape)


def _checked(manifest: Manifest, backup: Path) -> Manifest:
    refuse_newer(str(backup), set(manifest.schema))
    if DATABASE not in manifest.files or not all(map(_is_sound, manifest.files.items())):
        raise BadBackup(f"{backup / NAME} is damaged. Use another backup.")
    return manifest


def _is_sound(item: tuple[str, Entry]) -> bool:
    """Whether a file may be restored under its name; other spellings of offhook's own names may not."""
    name, entry = item
    path = Path(name)
    fits = len(name) <= LONGEST_NAME and len(path.parts) <= DEEPEST_NAME
    first = names.folded(name.split("/")[0])
    is_other = first in (names.folded(DATABASE), names.folded(CONFIG)) and name not in (DATABASE, CONFIG)
    possible = entry.size_bytes >= 0 and abs(entry.modified_ns) < 1 << 63
    return fits and possible and path.as_posix() == name and is_kept(path) and not is_other


def _text(path: Path) -> str:
    """Read a manifest. Raises OSError, ValueError."""
    try:
        return read_regular(path, LARGEST_MANIFEST_BYTES, follow_links=False).decode()
    except (NotRegular, LargerThanAllowed) as error:
        raise ValueError(path) from error


def _damage(path: Path, entry: Entry) -> str | None:
    try:
        if sha256_of(path, follow_links=False, most_bytes=entry.size_bytes) == entry.sha256:
            return None
        return "has other content" if path.stat().st_size == entry.size_bytes else "has another size"
    except FileNotFoundError:
        return "is missing"
    except NotRegular:
        return "is not a regular file"
    except LargerThanAllowed:
        return "has another size"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
