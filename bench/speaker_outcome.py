"""The result of a way for a call, with its score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from bench.speaker_engine import Decoded
from bench.speaker_scores import Judgement, judge
from bench.speaker_ways import WAYS, side_only
from bench.speaker_words import Token
from shared.speakers import ME, THEM, UNSURE


@dataclass(frozen=True)
class SpeakerResult:
    """What a way made of a call; times are seconds of the call and of processors."""

    kind: str
    name: str
    way: str
    judgement: Judgement
    seconds: float
    decode_seconds: float
    label_seconds: float

    @classmethod
    def of(cls, decoded: Decoded, name: str) -> SpeakerResult:
        """Label the words of a call in a way, and compare them with what was said."""
        way, call = WAYS[name], decoded.call
        written = way.write(decoded)
        found = list(written.tokens())
        if way.by_side:
            found = [replace(token, speaker=side_only(token.speaker)) for token in found]
        else:  # a side is no answer to who of it speaks
            found = [replace(token, speaker=UNSURE) if token.speaker == THEM else token for token in found]
        judged = judge(
            call.of_sides if way.by_side else call.utterances,
            found,
            named=way.named,
            own=ME if way.by_side else None,
            limit_ms=call.limit_ms,
        )
        times = (call.seconds, written.decode_seconds, written.label_seconds)
        return cls(call.kind, call.name, name, judged, *times)

    def as_json(self) -> dict[str, Any]:
        """Return the result as an object for JSON, with the words behind its score."""
        judged = self.judgement
        return {
            "kind": self.kind,
            "name": self.name,
            "way": self.way,
            "seconds": round(self.seconds, 3),
            "decode_seconds": round(self.decode_seconds, 3),
            "label_seconds": round(self.label_seconds, 4),
            "score": asdict(judged.score),
            "wrong": [_pair(said, written) for said, written in judged.wrong],
            "doubled": [asdict(token) for token in judged.doubled],
            "lost": [asdict(token) for token in judged.lost],
        }

    def shown(self) -> Iterator[str]:
        """Yield a line for each word that is wrong, doubled or of a lost sentence."""
        for said, written in self.judgement.wrong:
            sure = f" {written.probability:.2f}" if written.probability is not None else ""
            yield f"{_time(said)} {said.speaker}: {said.text} → {written.speaker}{sure}: {written.text}"
        for token in self.judgement.doubled:
            yield f"{_time(token)} doubled by {token.speaker}: {token.text}"


def results(decoded: Decoded, ways: Sequence[str]) -> list[SpeakerResult]:
    """Return the results of the ways that apply to a call."""
    return [SpeakerResult.of(decoded, way) for way in ways if WAYS[way].applies(decoded.call)]


def _pair(said: Token, written: Token) -> dict[str, Any]:
    return {"said": asdict(said), "written": asdict(written)}


def _time(token: Token) -> str:
    return f"{token.start_ms / 1000:7.2f} s"
