"""Calls of real voices from a folder: in turn on two sides, alone, in turn on one channel, and real talks.

The folder is one of `bench.real_speech`; its `speakers/` has NAME.rttm, the turns of a recording in NIST's
Rich Transcription Time Marked form, and NAME.turns.tsv: speaker, tab, words of each turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations
from pathlib import Path

import numpy as np

from bench.corpora import Samples
from bench.real_speech import Clip, read_folder
from bench.speaker_calls import Said, SpeakerCall, mixed, tracks
from bench.speaker_pieces import Piece
from bench.speaker_scenes import LINE_DBFS, ROOM_DBFS, echoed
from bench.speaker_words import Utterance, spread, tokens, uttered
from capture_worker.samples import Pair
from tests.noises import NOISES
from tests.voices import SAMPLE_RATE_HZ

#: Kinds of recordings in which several people may speak.
OF_SEVERAL = ("conversation", "meeting")
#: Times of turns are approximate.
REAL_LIMIT_MS = 5_000
CALL_SECONDS, VOICES_SECONDS = 90.0, 60.0
LONGEST_SECONDS = 20.0
#: A voice with several pieces is in recordings of this length.
LONG_SECONDS = 10.0
GAP_SECONDS = (0.1, 1.0)
LEVEL_DBFS = -25.0
#: One voice alone is measured in recordings of this length.
ALONE_SECONDS = 2.0
ECHO_DB, ECHO_MS = -6.0, 40.0
IN_TURN, IN_TURN_ECHO = "real voices on two sides", "real voices on two sides, echo -6 dB"
ALONE, TWO, THREE, TALKS = (
    "one real voice",
    "two real voices in turn",
    "three real voices in turn",
    "real talks",
)


class RealFolder:
    """The recordings of a folder: of one voice each, and those with the turns of their speakers."""

    def __init__(self, folder: Path) -> None:
        self._turns = folder / "speakers"
        clips = list(read_folder(folder))
        self._talks = [clip for clip in clips if self._rttm(clip).is_file()]
        self.voices = [
            clip for clip in clips if clip.kind not in OF_SEVERAL and not self._rttm(clip).is_file()
        ]

    def _rttm(self, clip: Clip) -> Path:
        return self._turns / f"{Path(clip.name).stem}.rttm"

    @property
    def long_voices(self) -> list[Clip]:
        """The recordings that are long enough to be cut into pieces."""
        return [clip for clip in self.voices if clip.seconds >= LONG_SECONDS]

    def talks(self) -> Iterator[SpeakerCall]:
        """Yield the recordings with the turns of their speakers."""
        for clip in self._talks:
            rttm = self._rttm(clip)
            utterances = read_turns(
                rttm.read_text("utf-8"), rttm.with_suffix(".turns.tsv").read_text("utf-8")
            )
            yield SpeakerCall(TALKS, rttm.stem, clip.samples, tuple(utterances), limit_ms=REAL_LIMIT_MS)

    def alone(self) -> Iterator[SpeakerCall]:
        """Yield the recordings of one voice."""
        for clip in self.voices:
            if clip.seconds >= ALONE_SECONDS:
                utterance = uttered("one", clip.words, 0, clip.samples)
                yield SpeakerCall(ALONE, clip.name, clip.samples, (utterance,), limit_ms=REAL_LIMIT_MS)

    def on_two_sides(self) -> Iterator[SpeakerCall]:
        """Yield calls in which recordings of one voice are heard on both sides in turn, then with echo."""
        short = [clip for clip in self.voices if clip.seconds <= LONGEST_SECONDS]
        chance = np.random.default_rng(1)
        pieces = [
            Piece(("me", "them")[number % 2], clip.samples, clip.words) for number, clip in enumerate(short)
        ]
        for number, some in enumerate(_of_length(pieces, CALL_SECONDS), start=1):
            said = list(_in_turn(some, chance))
            for kind, echo in ((IN_TURN, False), (IN_TURN_ECHO, True)):
                yield _two_sides(kind, number, said, chance, echo=echo)


def in_turn(voices: Mapping[str, Sequence[Piece]], persons: int, count: int | None) -> Iterator[SpeakerCall]:
    """Yield calls of two or three voices of which each says a piece in turn, on one channel."""
    kind = TWO if persons == 2 else THREE
    groups = list(combinations(voices, persons))
    for number in range(len(groups) if count is None else min(count, len(groups))):
        names = groups[number * len(groups) // (min(count, len(groups)) if count else len(groups))]
        chance = np.random.default_rng(number + 1)
        pieces = list(chain.from_iterable(zip(*(voices[name] for name in names), strict=False)))
        some = next(_of_length(pieces, VOICES_SECONDS))
        said = list(_in_turn(some, chance))
        samples = np.zeros(max(it.end for it in said) + SAMPLE_RATE_HZ // 2, np.float32)
        for it in said:
            samples[it.start : it.end] += it.samples
        yield SpeakerCall(kind, " and ".join(names), samples, tuple(it.utterance for it in said))


def _of_length(pieces: Sequence[Piece], seconds: float) -> Iterator[list[Piece]]:
    together: list[Piece] = []
    for piece in pieces:
        together.append(piece)
        if sum(it.seconds for it in together) >= seconds:
            yield together
            together = []
    if together:
        yield together


def _in_turn(pieces: Sequence[Piece], chance: np.random.Generator) -> Iterator[Said]:
    """Place pieces one after another, all at one level."""
    at = SAMPLE_RATE_HZ // 2
    for piece in pieces:
        yield Said(piece.speaker, at, _levelled(piece.samples), piece.text)
        at += len(piece.samples) + round(chance.uniform(*GAP_SECONDS) * SAMPLE_RATE_HZ)


def _levelled(samples: Samples) -> Samples:
    rms = np.sqrt(np.mean(np.square(samples[np.abs(samples) > 0.01 * np.abs(samples).max()])))
    return np.clip(samples * (10 ** (LEVEL_DBFS / 20) / rms), -1, 1).astype(np.float32)


def _two_sides(
    kind: str, number: int, said: Sequence[Said], chance: np.random.Generator, *, echo: bool
) -> SpeakerCall:
    frames = max(it.end for it in said) + SAMPLE_RATE_HZ // 2
    near, far = tracks(said, "me", frames)
    microphone = near + echoed(far, ECHO_MS, chance) * np.float32(10 ** (ECHO_DB / 20)) if echo else near
    noise = [
        NOISES["pink"]((frames + 1) / SAMPLE_RATE_HZ, dbfs, number)[:frames]
        for dbfs in (ROOM_DBFS, LINE_DBFS)
    ]
    sides = Pair(
        *((side + its).astype(np.float32) for side, its in zip((microphone, far), noise, strict=True))
    )
    utterances = tuple(it.utterance for it in said)
    return SpeakerCall(
        kind,
        f"{kind} {number}",
        mixed(sides),
        utterances,
        sides,
        "me",
        has_echo=echo,
        is_one_voice_a_person=False,
    )


def read_turns(rttm: str, turns: str) -> list[Utterance]:
    """Return what is said when.

    Where a speaker has as many lines in both texts, a line is a turn. Otherwise the speaker's words are
    spread over all their turns.
    """
    spans: dict[str, list[tuple[int, int]]] = {}
    for line in rttm.splitlines():
        _, _, _, start, seconds, _, _, speaker, *_ = line.split()
        start_ms = round(float(start) * 1000)
        spans.setdefault(speaker, []).append((start_ms, start_ms + round(float(seconds) * 1000)))
    texts: dict[str, list[str]] = {}
    for line in turns.splitlines():
        speaker, _, words = line.partition("\t")
        texts.setdefault(speaker, []).append(words)
    found = [it for speaker in spans for it in _turns_of(speaker, sorted(spans[speaker]), texts[speaker])]
    return sorted(found, key=lambda it: it.start_ms)


def _turns_of(speaker: str, spans: Sequence[tuple[int, int]], lines: Sequence[str]) -> Iterator[Utterance]:
    if len(spans) == len(lines):
        for span, line in zip(spans, lines, strict=True):
            its = tokens(line.split(), spread(line.split(), [span]), speaker)
            yield Utterance(speaker, *span, tuple(its))
        return
    words = list(chain.from_iterable(line.split() for line in lines))
    found = list(tokens(words, spread(words, spans), speaker))
    for number, (start, end) in enumerate(spans):
        following = spans[number + 1][0] if number + 1 < len(spans) else end
        inside = (
            token for token in found if (start if number else 0) <= token.start_ms < max(end, following)
        )
        yield Utterance(speaker, start, end, tuple(inside))
