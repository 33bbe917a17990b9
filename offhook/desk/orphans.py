"""Finds transcripts in the library that no record knows."""

from __future__ import annotations

from pathlib import Path

from shared.store.store import Store


def orphans(library: Path, store: Store) -> list[Path]:
    """Return the JSON exports in the library that belong to no record, in the order of their names."""
    known = {stem.casefold() for stem in store.records.library_stems()}
    found = sorted(library.rglob("*.json"))
    return [path for path in found if _stem(library, path).casefold() not in known]


def _stem(library: Path, path: Path) -> str:
    return path.relative_to(library).as_posix().removesuffix(".json")
