"""The words of a transcript by channel: those of two channels overlap, and their numbers alternate. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shared.store.placing import Overlaid, Place, Places, Unplaced, lifted
from shared.words import Segment, Word


@dataclass
class Track:
    """The words of one channel, with their numbers in the transcript; `channel` is None if there is one."""

    channel: int | None
    words: list[Word] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def lifted(self, first_word: int, last_word: int, overlay: Overlaid) -> Unplaced | None:
        """Take an overlay off those of its words that are in this channel; None if none are."""
        first, end = bisect_left(self.numbers, first_word), bisect_right(self.numbers, last_word)
        return lifted(self.words, first, end - 1, overlay) if first < end else None

    def places(self, found: Place) -> list[Place]:
        """Return a place in this channel by numbers of the transcript, in parts without words of others."""
        parts: list[Place] = []
        for number in self.numbers[found.first_word : found.last_word + 1]:
            if parts and parts[-1].last_word == number - 1:
                parts[-1] = Place(parts[-1].first_word, number)
            else:
                parts.append(Place(number, number))
        return parts


def tracks_of(segments: Iterable[Segment]) -> list[Track]:
    """Return the words of each channel; segments are numbered."""
    found: dict[int | None, Track] = {}
    for segment in segments:
        track = found.setdefault(segment.channel, Track(segment.channel))
        first = segment.first_word or 0
        track.words += segment.words
        track.numbers += range(first, first + len(segment.words))
    return list(found.values())


class Finder:
    """Finds the places of overlays in a transcript."""

    def __init__(self, tracks: Sequence[Track]) -> None:
        self._tracks = [(track, Places(track.words)) for track in tracks]

    def find(self, overlay: Unplaced) -> list[Place]:
        """Return the places of an overlay, in its own channel if there is such a one; none if it has none."""
        own = [pair for pair in self._tracks if pair[0].channel == overlay.channel]
        for track, places in own or self._tracks:
            if found := places.find(overlay):
                return track.places(found)
        return []
