"""The ways from a call to words with speakers: offhook's four, each with its baselines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from bench import speaker_baselines as baselines
from bench.comparing import compared
from bench.speaker_calls import SpeakerCall
from bench.speaker_engine import Decoded, timed
from bench.speaker_kept import Timed
from bench.speaker_words import Token
from shared.speakers import THEM, UNSURE, Label
from shared.words import Segment
from transcribe_worker.speakers.labelling import Evidence, labels


@dataclass(frozen=True)
class Written:
    """Words with labels, and the processor seconds of the decoding and of all that is done for labels."""

    segments: tuple[Segment, ...]
    labels: tuple[Label, ...]
    decode_seconds: float
    label_seconds: float

    def tokens(self) -> Iterator[Token]:
        """Yield the words to compare with their speakers; a word without a label is unsure."""
        said = {number: it for it in self.labels for number in range(it.first_word, it.last_word + 1)}
        for segment in self.segments:
            for number, word in enumerate(segment.words, start=segment.first_word or 0):
                label = said.get(number)
                speaker, probability = (label.speaker, label.probability) if label else (UNSURE, None)
                for plain in compared(word.text):
                    yield Token(plain, word.start_ms, word.end_ms, speaker, probability)


@dataclass(frozen=True)
class Way:
    """A way to labelled words. `of` is the option that chooses it; `by_side` says that sides are compared,
    not persons; `named` that its labels are sides and need not be fitted.
    """

    of: str
    write: Callable[[Decoded], Written]
    applies: Callable[[SpeakerCall], bool]
    by_side: bool = True
    named: bool = True
    is_baseline: bool = False


def _written(found: Timed, label: Callable[[], Iterable[Label]], before_seconds: float = 0.0) -> Written:
    made, seconds = timed(lambda: tuple(label()))
    return Written(found.segments, made, found.seconds, before_seconds + seconds)


def _mono(decoded: Decoded) -> Written:
    found, (levels, _) = decoded.one_channel(), decoded.levels()
    evidence = Evidence(is_capture=True, levels=levels)
    return _written(found, partial(labels, found.segments, evidence))


def _louder_a_second(decoded: Decoded) -> Written:
    found, (levels, _) = decoded.one_channel(), decoded.levels()
    return _written(found, partial(baselines.louder_a_second, found.segments, levels))


def _louder_a_segment(decoded: Decoded) -> Written:
    found, (levels, _) = decoded.one_channel(), decoded.levels()
    return _written(found, partial(baselines.louder_a_segment, found.segments, levels))


def _channels_alone(decoded: Decoded) -> Written:
    found = decoded.channels_alone()
    return _written(found, partial(baselines.channels_as_they_are, found.segments))


def _one_voice(decoded: Decoded) -> Written:
    found = decoded.one_channel()
    return _written(found, partial(baselines.one_voice, found.segments))


def has_sides(call: SpeakerCall) -> bool:
    """Return whether there is a channel for each side."""
    return call.sides is not None


def is_two_channel(call: SpeakerCall) -> bool:
    """Return whether a two-channel file that is not of offhook may sound like this: without an echo."""
    return call.sides is not None and not call.has_echo


def is_for_voices(call: SpeakerCall) -> bool:
    """Return whether the voices of one channel are to be told apart: an echo changes little there."""
    return not call.has_echo


MONO, SPLIT, TWO_CHANNEL, ONE_CHANNEL = GROUPS = ("mono", "split", "two-channel", "voices")
WAYS: dict[str, Way] = {
    MONO: Way(MONO, _mono, has_sides),
    "mono, louder side a second": Way(MONO, _louder_a_second, has_sides, is_baseline=True),
    "mono, one speaker a segment": Way(MONO, _louder_a_segment, has_sides, is_baseline=True),
    "split, each channel alone": Way(SPLIT, _channels_alone, has_sides, is_baseline=True),
    "voices, all one voice": Way(
        ONE_CHANNEL, _one_voice, is_for_voices, by_side=False, named=False, is_baseline=True
    ),
}


def side_only(label: str) -> str:
    """Return the side of a label: `them 2` is `them`."""
    return THEM if label.startswith(THEM) else label
