"""What persons have laid over a record, as a value that can be kept as JSON and restored.

Corrections may be those of some words alone, so that a change of one passage of a long call reads and keeps
no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from shared.reading import Correction
from shared.speakers import Label
from shared.store.carrying import Carrying
from shared.store.overlays import Overlays
from shared.store.placing import Unplaced

State = dict[str, Any]
#: First and last word, both included.
Span = tuple[int, int]


class OverlayStates:
    """Reads and restores what persons have laid over the records of one database."""

    def __init__(self, overlays: Overlays, carrying: Carrying) -> None:
        self._overlays, self._carrying = overlays, carrying

    def state(self, record_id: int, words: Span | None = None) -> State:
        """Return all that persons have laid over a record, or the corrections of some words alone."""
        if words:
            return {"corrections": _as_json(self._overlays.corrections_of(record_id, *words))}
        labels, corrections = self._overlays.of_persons(record_id)
        return {
            "labels": _as_json(labels),
            "corrections": _as_json(corrections),
            "names": self._overlays.names(record_id),
            "swaps": self._overlays.swaps(record_id),
            "unplaced": _as_json(self._carrying.unplaced(record_id)),
        }

    def restore(self, record_id: int, before: State) -> list[Span]:
        """Lay over a record what was there before, and return the words whose corrections are others now.

        What `before` does not have stays. Its corrections are those of its `words`, or else all.
        """
        if "labels" in before:
            self._overlays.replace_labels_of_persons(record_id, [Label(**it) for it in before["labels"]])
        if "names" in before:
            self._overlays.replace_names(record_id, before["names"])
        if "swaps" in before:
            self._overlays.undo_swaps(record_id, before["swaps"])
        if "unplaced" in before:
            self._carrying.keep_unplaced(record_id, [Unplaced(**it) for it in before["unplaced"]])
        return self._restore_corrections(record_id, before) if "corrections" in before else []

    def _restore_corrections(self, record_id: int, before: State) -> list[Span]:
        words = tuple(before["words"]) if "words" in before else None
        now = self.state(record_id, words)["corrections"]
        restored = [Correction(**it) for it in before["corrections"]]
        self._overlays.replace_corrections(record_id, restored, words)
        return spans(now, before["corrections"])


def difference(before: State, after: State, words: Span | None) -> tuple[State, list[Span]]:
    """Return what is needed to restore the state before, and the words whose corrections were changed.

    `words` are those that the states are of, if they are not of the whole record.
    """
    changed = {name: found for name, found in before.items() if after[name] != found}
    others = spans(before["corrections"], after["corrections"])
    if others:
        first, last = words or (min(first for first, _ in others), max(last for _, last in others))
        kept = [it for it in before["corrections"] if it["first_word"] <= last and it["last_word"] >= first]
        changed |= {"corrections": kept, "words": [first, last]}
    return changed, others


def spans(before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]]) -> list[Span]:
    """Return the words of the corrections that are in one of two states alone, in order."""
    columns = ("first_word", "last_word", "text", "source", "made_at")
    one, other = ({tuple(it[name] for name in columns) for it in some} for some in (before, after))
    return sorted({(it[0], it[1]) for it in one ^ other})


def _as_json(values: Iterable[Any]) -> list[dict[str, Any]]:
    return [asdict(it) for it in values]
