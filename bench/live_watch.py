"""Watches a live call in the database as a person would: what is shown when, and when it is completed."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shared.settings import Settings
from shared.speakers import ME, THEM
from shared.store.captures import RECORDING
from shared.store.live import LiveWord
from shared.store.store import Store
from shared.store.transitions import COMPLETED
from shared.words import Segment

LOOK_SECONDS, LOOK_AT_THE_END_SECONDS = 0.05, 0.01
PATIENCE_SECONDS = 600.0
#: Start, end and text of a word: a word that has another one was revised.
Said = tuple[int, int, str]
SIDES = (ME, THEM)


@dataclass
class Reached:
    """Up to where words were shown, and since when."""

    ends_ms: list[int] = field(default_factory=list)
    since: list[float] = field(default_factory=list)

    def note(self, end_ms: int, now: float) -> None:
        """Note a word that is shown."""
        if not self.ends_ms or end_ms > self.ends_ms[-1]:
            self.ends_ms.append(end_ms)
            self.since.append(now)

    def when(self, end_ms: int) -> float | None:
        """Return when a word of that end or a later one was first shown; None if never."""
        place = bisect_left(self.ends_ms, end_ms)
        return self.since[place] if place < len(self.since) else None


class Watch(threading.Thread):
    """Looks every 50 ms until the record of a call is completed. Times by `time.time`."""

    def __init__(self, settings: Settings, session_id: str) -> None:
        super().__init__(name="watch", daemon=True)
        self.final: Counter[Said] = Counter()
        self.heard_seconds = 0.0  # there is text up to here
        self.ended_at = self.completed_at = 0.0
        self.strained_looks = 0
        self._settings, self._session_id = settings, session_id
        self._reached: dict[str | None, Reached] = {side: Reached() for side in (None, *SIDES)}
        self._revision: int | None = None
        self._window = 0

    def run(self) -> None:
        with Store.for_reading(self._settings) as store:
            while not self.completed_at:
                self._look(store)
                time.sleep(LOOK_AT_THE_END_SECONDS if self.ended_at else LOOK_SECONDS)

    def wait(self) -> None:
        """Wait until the record is completed."""
        self.join(PATIENCE_SECONDS)
        assert self.completed_at, "the call was not completed"

    def latencies(self, zero: float, segments: Iterable[Segment]) -> list[float]:
        """Return how long each word of a transcript has waited, from its end until a word of that end or
        later was shown, in seconds.

        Of a call with two channels the words of the same side count. What was not shown before is shown with
        the finished transcript.
        """
        return [
            (self._reached_on(segment.channel).when(word.end_ms) or self.completed_at)
            - zero
            - word.end_ms / 1000
            for segment in segments
            for word in segment.words
        ]

    def revised(self, segments: Iterable[Segment]) -> int:
        """Return how many words were shown as final that a transcript does not have."""
        return (self.final - Counter(said(segments))).total()

    def _reached_on(self, channel: int | None) -> Reached:
        return self._reached[None if channel is None else SIDES[channel]]

    def _look(self, store: Store) -> None:
        now = time.time()
        if not self.ended_at:
            call = store.captures.find(self._session_id)
            if call is None or call.state != RECORDING:
                self.ended_at = now
            elif call.strain:
                self.strained_looks += 1
        if self.ended_at:
            record = store.records.of_session(self._session_id)
            if record and record.transcription_status == COMPLETED:
                self.completed_at = now
        revision = store.live.revision(self._session_id)
        if revision is not None and revision != self._revision:
            self._revision = revision
            self._read(store)

    def _read(self, store: Store) -> None:
        call = store.live.find(self._session_id)
        if call is None:  # its record has just taken it over
            return
        final, self._window = store.live.final_words(self._session_id, after=self._window)
        self.final.update((it.start_ms, it.end_ms, it.text) for it in final)
        words = store.live.words(self._session_id, from_ms=round(1000 * call.final_seconds))
        now = time.time()
        self.heard_seconds = call.heard_seconds
        self._show([*final, *words], now)

    def _show(self, words: Sequence[LiveWord], now: float) -> None:
        for word in sorted(words, key=lambda it: it.end_ms):
            self._reached[None].note(word.end_ms, now)
            if word.speaker in SIDES:
                self._reached[word.speaker].note(word.end_ms, now)


def said(segments: Iterable[Segment]) -> list[Said]:
    """Return the words of a transcript."""
    return [(word.start_ms, word.end_ms, word.text) for segment in segments for word in segment.words]
