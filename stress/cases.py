"""A case: a file that may be anything, and what is known of it from the way it was made."""

from __future__ import annotations

import base64
import json
import os
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Truth:
    """What may become of a case.

    `seconds`: how much audio is in it; None if nobody can know. `codes`: the refusals that are right, None
    if any is. `flags`: those that are right, None if any are; what is flagged is not silently wrong, so a
    length is compared where the flags are known or there are none. `tones`: nothing but the two tones of
    tests.recordings is heard.
    """

    seconds: float | None = None
    tolerance_seconds: float = 0.02
    codes: tuple[str, ...] | None = None
    flags: tuple[str, ...] | None = None
    tones: bool = False


def heard(seconds: float, *flags: str, tolerance: float = 0.02, tones: bool = True) -> Truth:
    """It has to be accepted, with these flags, and so much has to be heard."""
    return Truth(seconds, tolerance, (), flags, tones)


def refused(*codes: str) -> Truth:
    """It has to be refused, with one of these codes."""
    return Truth(None, 0.0, codes, ())


def either(seconds: float | None, tolerance: float = 0.02) -> Truth:
    """It may be refused or flagged, but what is accepted in silence is so long."""
    return Truth(seconds, tolerance)


@dataclass(frozen=True)
class Case:
    """A file to decode; `size_bytes` makes it larger than its content, with zeros that are not stored."""

    name: str
    content: bytes
    truth: Truth
    suffix: str = ".wav"
    size_bytes: int | None = None
    limit_seconds: float = 20.0

    def write(self, folder: Path) -> Path:
        """Write the file into a folder."""
        path = folder / f"{self.file_name}{self.suffix}"
        path.write_bytes(self.content)
        if self.size_bytes is not None:
            os.truncate(path, self.size_bytes)
        return path

    def save(self, folder: Path) -> Path:
        """Keep the case, so that it can be run again."""
        folder.mkdir(parents=True, exist_ok=True)
        content = base64.b64encode(zlib.compress(self.content)).decode("ascii")
        path = folder / f"{self.file_name}.json"
        path.write_text(json.dumps(asdict(self) | {"content": content}, indent=1), "utf-8")
        return path

    @property
    def file_name(self) -> str:
        """Its name as that of a file."""
        return "".join(c if c.isalnum() else "-" for c in self.name)

    @classmethod
    def load(cls, path: Path) -> Case:
        """Read a case that was kept."""
        saved: dict[str, Any] = json.loads(path.read_text("utf-8"))
        truth = {
            key: tuple(value) if isinstance(value, list) else value for key, value in saved["truth"].items()
        }
        content = zlib.decompress(base64.b64decode(saved["content"]))
        return cls(**saved | {"content": content, "truth": Truth(**truth)})
