"""Makes the events `words` of one call: for each listener what it has not been sent yet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from capture_worker.live.state import described
from shared.reading import read
from shared.store.live import ENDED, LiveCall, LiveWord
from shared.store.store import Store
from shared.store.transitions import COMPLETED, PROCESSING, QUEUED

#: The final words of one event: programs that embed offhook may read lines of 64 KiB at most.
MOST_WORDS = 1000
#: So much of a call is read at once: who comes late to a long one must not occupy this process.
PIECE_MS = 600_000

Event = dict[str, Any]


@dataclass(frozen=True)
class Heard:
    """How far a listener has been sent a call: the words before `until_ms` are final and were sent."""

    revision: int = -1
    until_ms: int = 0


class CallWords:
    """The words of one call."""

    def __init__(self, store: Store, session_id: str) -> None:
        self._store, self._session_id = store, session_id

    def since(self, call: LiveCall, heard: Heard, *, is_last: bool) -> tuple[list[Event], Heard]:
        """Return the events that bring a listener up to date, and how far it is then. Raises StoreError.

        Words of two channels do not become final in step. Those after `final_seconds` are held back, so that
        words are sent in the order of time.
        """
        until_ms = max(heard.until_ms, math.floor(1000 * call.final_seconds))
        begins = range(heard.until_ms, until_ms, PIECE_MS)
        pieces = [self._final(begin, min(begin + PIECE_MS, until_ms)) for begin in begins]
        provisional = self._store.live.words(self._session_id, from_ms=until_ms)
        events = self._events(call, pieces, provisional, is_last=is_last)
        return events, Heard(call.revision, until_ms)

    def rest(self, call: LiveCall | None, heard: Heard) -> list[Event]:
        """Return the last events of a call whose record has taken its words over. Raises StoreError.

        The words come from the finished transcript, if there is one.
        """
        new = [it for it in self._transcribed() if it.start_ms >= heard.until_ms]
        return self._events(_ended(call, new) if call else None, [new], (), is_last=True)

    def no_more(self, call: LiveCall | None) -> list[Event]:
        """Return the last event of a call whose words cannot be read any more."""
        return self._events(call, (), (), is_last=True)

    def are_being_finished(self) -> bool:
        """Whether the call's record will have a transcript that has the rest of them. Raises StoreError."""
        record = self._store.records.of_session(self._session_id)
        return record is not None and record.transcription_status in (QUEUED, PROCESSING)

    def _transcribed(self) -> list[LiveWord]:
        record = self._store.records.of_session(self._session_id)
        if record is None or record.transcription_status != COMPLETED:
            return []
        tokens = read(self._store.transcripts.segments(record.id), self._store.overlays.labels(record.id))
        return [LiveWord(it.start_ms, it.end_ms, it.text, it.speaker, is_final=True) for it in tokens]

    def _final(self, from_ms: int, until_ms: int) -> list[LiveWord]:
        found = self._store.live.words(self._session_id, from_ms=from_ms, until_ms=until_ms)
        return [it for it in found if it.is_final]

    def _events(
        self,
        call: LiveCall | None,
        pieces: Iterable[Sequence[LiveWord]],
        provisional: Sequence[LiveWord],
        *,
        is_last: bool,
    ) -> list[Event]:
        parts = [it[at : at + MOST_WORDS] for it in pieces for at in range(0, len(it), MOST_WORDS)]
        events = [self._event(call, part) for part in parts or [()]]
        events[-1] |= {"provisional": _listed(provisional), "is_last": is_last}
        return events

    def _event(self, call: LiveCall | None, final: Sequence[LiveWord]) -> Event:
        return {
            "type": "words",
            "session_id": self._session_id,
            "revision": call.revision if call else 0,
            "final_seconds": round(call.final_seconds, 2) if call else 0.0,
            "final": _listed(final),
            "provisional": [],
            "live": described(call),
            "is_last": False,
        }


def _ended(call: LiveCall, rest: Sequence[LiveWord]) -> LiveCall:
    """Return a live call as it is when the rest of it is final."""
    final_seconds = max([call.final_seconds, *(it.end_ms / 1000 for it in rest)])
    heard_seconds = max(call.heard_seconds, final_seconds)
    done = replace(call, final_seconds=final_seconds, heard_seconds=heard_seconds)
    return replace(done, state=ENDED, behind_seconds=0.0, yields=None)


def _listed(words: Iterable[LiveWord]) -> list[list[Any]]:
    return [[word.start_ms, word.end_ms, word.text, word.speaker] for word in words]
