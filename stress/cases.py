"""A case: a file to decode, and the known truth about it."""

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
    """The correct outcomes of a case.

    `seconds`: the length of its audio, None if unknown. `codes`: the correct refusals, None if any is.
    `flags`: the correct flags, None if any are; a flagged result is not silently wrong, so the length is
    compared only if the flags are known or there are none. `tones`: only the two tones of tests.recordings
    are heard.
    """

    seconds: float | None = None
    tolerance_seconds: float = 0.02
    codes: tuple[str, ...] | None = None
    flags: tuple[str, ...] | None = None
    tones: bool = False


def heard(seconds: float, *flags: str, tolerance: float = 0.02, tones: bool = True) -> Truth:
    """The case must be accepted, with these flags and this length."""
    return Truth(seconds, tolerance, (), flags, tones)


def refused(*codes: str) -> Truth:
    """The case must be refused, with one of these codes."""
    return Truth(None, 0.0, codes, ())


def either(seconds: float | None, tolerance: float = 0.02) -> Truth:
    """The case may be refused or flagged; if it is accepted without a flag, it has this length."""
    return Truth(seconds, tolerance)


@dataclass(frozen=True)
class Case:
    """A file to decode; `size_bytes` extends it by a hole."""

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
        """Save the case, so that it can be run again."""
        folder.mkdir(parents=True, exist_ok=True)
        content = base64.b64encode(zlib.compress(self.content)).decode("ascii")
        path = folder / f"{self.file_name}.json"
        path.write_text(json.dumps(asdict(self) | {"content": content}, indent=1), "utf-8")
        return path

    @property
    def file_name(self) -> str:
        """The name as a file name."""
        return "".join(c if c.isalnum() else "-" for c in self.name)

    @classmethod
    def load(cls, path: Path) -> Case:
        """Read a saved case."""
        saved: dict[str, Any] = json.loads(path.read_text("utf-8"))
        truth = {
            key: tuple(value) if isinstance(value, list) else value for key, value in saved["truth"].items()
        }
        content = zlib.decompress(base64.b64decode(saved["content"]))
        return cls(**saved | {"content": content, "truth": Truth(**truth)})
