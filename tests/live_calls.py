"""A worker's side of a call that is transcribed while it is recorded: what it writes into the store."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.speakers import LOUDNESS, Label
from shared.store.live import LiveClaim, LiveWord
from shared.store.store import Store
from shared.store.transcripts import Window
from shared.words import Segment, Word

RECIPE = "tiny.en"
#: A word, and who said it.
Said = tuple[str, str | None]


@dataclass
class Decoder:
    """Decodes a running call, as a test dictates it. Words are spread evenly over their time."""

    store: Store
    claim: LiveClaim
    settled: list[LiveWord] = field(default_factory=list)

    @classmethod
    def of(cls, store: Store, session_id: str, worker_id: str = "w") -> Decoder:
        """Claim the live call of a capture."""
        columns = {"recipe": RECIPE, "model": RECIPE, "lease_seconds": 60}
        claim = store.live.claim(session_id, worker_id=worker_id, **columns)
        assert claim
        return cls(store, claim)

    def settle(self, start: float, end: float, *said: Said) -> None:
        """Commit words as final, in a window of these seconds."""
        words = _spread(start, end, said, is_final=True)
        self.settled += words
        found = tuple(Word(it.start_ms, it.end_ms, it.text, 0.9) for it in words)
        text = "".join(word.text for word in words).strip()
        segment = Segment(round(1000 * start), round(1000 * end), text, found, -0.1, 0.0, 1.0)
        window = Window(start, end, start, (segment,))
        self.store.live.save_windows(self.claim, [window], [words], final_seconds=end, heard_seconds=end)

    def guess(self, start: float, end: float, *said: Said, **columns: object) -> None:
        """Write provisional words."""
        words = _spread(start, end, said, is_final=False)
        self.store.live.note(self.claim, words, heard_seconds=end, **columns)

    def end(self) -> None:
        """Note that everything is decoded."""
        self.store.live.end(self.claim)

    def switch_off(self, why: str) -> None:
        """Give the call up."""
        self.store.live.switch_off(self.claim, why)

    def complete(self) -> int:
        """Let the record take over what was decoded, and complete it; return its number."""
        self.end()
        record = self.store.records.of_session(self.claim.session_id)
        assert record
        claim = self.store.claims.claim(record.id, worker_id="w", model=RECIPE, lease_seconds=60)
        assert claim
        self.store.live.take_over(claim, RECIPE)
        windows = self.store.transcripts.windows(record.id)
        segments = [segment for window in windows for segment in window.segments]
        who = [(n, word.speaker) for n, word in enumerate(self.settled) if word.speaker]
        self.store.claims.complete(claim, segments, [Label(n, n, it, LOUDNESS, 0.9) for n, it in who])
        return record.id


def _spread(start: float, end: float, said: tuple[Said, ...], *, is_final: bool) -> list[LiveWord]:
    step = (end - start) / max(1, len(said))
    moments = [
        (round(1000 * (start + n * step)), round(1000 * (start + (n + 1) * step))) for n in range(len(said))
    ]
    return [LiveWord(*times, text, who, is_final) for times, (text, who) in zip(moments, said, strict=True)]
