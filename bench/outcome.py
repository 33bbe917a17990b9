"""The result of a way for a recording, with its figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bench.comparing import compared
from bench.confidence import Judged, judged
from bench.loops import loops
from bench.mistakes import Mistakes, between
from bench.real_speech import Clip
from bench.ways import Transcript


@dataclass(frozen=True)
class Result:
    """A transcript and its figures; `mistakes` is zero for a recording that is not judged."""

    clip: Clip
    way: str
    transcript: Transcript
    mistakes: Mistakes
    loops: tuple[str, ...]
    judged: tuple[Judged, ...]

    @classmethod
    def of(cls, clip: Clip, way: str, transcript: Transcript) -> Result:
        """Compare a transcript with the words of its recording."""
        wrong = between(compared(clip.words), compared(transcript.text)) if clip.is_judged else Mistakes()
        words = judged(clip.words, transcript.words) if clip.is_judged else []
        return cls(clip, way, transcript, wrong, tuple(loops(transcript.text, clip.words)), tuple(words))

    @property
    def is_empty(self) -> bool:
        """Whether there are no words at all."""
        return not compared(self.transcript.text)

    def as_json(self) -> dict[str, Any]:
        """Return the result as an object for JSON."""
        clip = self.clip
        return {
            "part": clip.part,
            "kind": clip.kind,
            "name": clip.name,
            "seconds": round(clip.seconds, 3),
            "is_judged": clip.is_judged,
            "reference": clip.words,
            "way": self.way,
            "text": self.transcript.text,
            "words": self.transcript.words,
            "mistakes": asdict(self.mistakes),
            "loops": self.loops,
            "judged": [(word.probability, word.is_right) for word in self.judged],
        }
