"""The ways from a call to words with speakers: offhook's four, each with its baselines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from bench import speaker_baselines as baselines
from bench.comparing import compared
from bench.speaker_calls import SpeakerCall
from bench.speaker_engine import Decoded, Segments, timed
from bench.speaker_kept import Timed
from bench.speaker_words import Token
from shared.loudness import SideLevels
from shared.speakers import THEM, UNSURE, Label
from shared.words import Segment, numbered
from transcribe_worker.speakers.by_channels import merged
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
    """A way to labelled words.

    `of` is the option that chooses it. `by_side` says that sides are compared, not persons; `named` that its
    labels are sides, which need not be fitted; `needs_network` that it tells voices apart.
    """

    of: str
    write: Callable[[Decoded], Written]
    applies: Callable[[SpeakerCall], bool]
    by_side: bool = True
    named: bool = True
    needs_network: bool = False
    is_baseline: bool = False


def _written(found: Timed, label: Callable[[], Iterable[Label]], before_seconds: float = 0.0) -> Written:
    made, seconds = timed(lambda: tuple(label()))
    return Written(found.segments, made, found.seconds, before_seconds + seconds)


def _mono(decoded: Decoded) -> Written:
    found = decoded.one_channel()
    evidence = Evidence(is_capture=True, levels=decoded.levels())
    return _written(found, partial(labels, found.segments, evidence))


def _mono_and_voices(decoded: Decoded) -> Written:
    found, (turns, seconds) = decoded.one_channel(), decoded.voices()
    evidence = Evidence(is_capture=True, levels=decoded.levels(), turns=turns)
    return _written(found, partial(labels, found.segments, evidence), seconds)


def _voices(decoded: Decoded) -> Written:
    found, (turns, seconds) = decoded.one_channel(), decoded.voices()
    return _written(found, partial(labels, found.segments, Evidence(turns=turns)), seconds)


def _split_with_echo(decoded: Decoded) -> Written:
    return _apart(decoded, decoded.two_channels(), Evidence(is_capture=True, levels=decoded.levels()))


def _split(decoded: Decoded) -> Written:
    return _apart(decoded, decoded.without_echo(), Evidence(is_capture=True, levels=decoded.levels()))


def _two_channel(decoded: Decoded) -> Written:
    return _apart(decoded, decoded.two_channels(), Evidence())


def _apart(decoded: Decoded, found: Timed, evidence: Evidence) -> Written:
    levels, seconds = decoded.measured()
    segments, more = timed(lambda: numbered(merged(found.segments, levels)))
    apart = Timed(segments, found.seconds)
    return _written(apart, partial(labels, segments, evidence), seconds + more)


def _baseline(
    of: Callable[[Decoded], Timed], label: Callable[..., Iterable[Label]]
) -> Callable[[Decoded], Written]:
    def write(decoded: Decoded) -> Written:
        found = of(decoded)
        return _written(found, partial(label, found.segments))

    return write


def _louder(label: Callable[[Segments, SideLevels], list[Label]]) -> Callable[[Decoded], Written]:
    def write(decoded: Decoded) -> Written:
        found = decoded.one_channel()
        return _written(found, partial(label, found.segments, decoded.levels()))

    return write


def _voice_a_segment(decoded: Decoded) -> Written:
    found, (turns, seconds) = decoded.one_channel(), decoded.voices()
    return _written(found, partial(baselines.voice_a_segment, found.segments, turns), seconds)


def has_sides(call: SpeakerCall) -> bool:
    """Return whether there is a channel for each side."""
    return call.sides is not None


def has_several_far(call: SpeakerCall) -> bool:
    """Return whether several people are on the far side."""
    return call.sides is not None and len(call.persons) > 2


def is_two_channel(call: SpeakerCall) -> bool:
    """Return whether a two-channel file that is not of offhook may sound like this: without an echo."""
    return call.sides is not None and not call.has_echo


def is_for_voices(call: SpeakerCall) -> bool:
    """Return whether the voices of one channel are to be told apart: an echo changes little there."""
    return call.is_one_voice_a_person and not call.has_echo


MONO, SPLIT, TWO_CHANNEL, ONE_CHANNEL = GROUPS = ("mono", "split", "two-channel", "voices")
_OF_VOICES = partial(Way, ONE_CHANNEL, applies=is_for_voices, by_side=False, named=False)
WAYS: dict[str, Way] = {
    MONO: Way(MONO, _mono, has_sides),
    "mono, far people apart": Way(
        MONO, _mono_and_voices, has_several_far, by_side=False, named=False, needs_network=True
    ),
    "mono, louder side a second": Way(MONO, _louder(baselines.louder_a_second), has_sides, is_baseline=True),
    "mono, one speaker a segment": Way(
        MONO, _louder(baselines.louder_a_segment), has_sides, is_baseline=True
    ),
    SPLIT: Way(SPLIT, _split, has_sides),
    "split, echo decoded": Way(SPLIT, _split_with_echo, has_sides, is_baseline=True),
    "split, each channel alone": Way(
        SPLIT, _baseline(Decoded.two_channels, baselines.channels_as_they_are), has_sides, is_baseline=True
    ),
    TWO_CHANNEL: Way(TWO_CHANNEL, _two_channel, is_two_channel, named=False),
    ONE_CHANNEL: _OF_VOICES(write=_voices, needs_network=True),
    "voices, one a segment": _OF_VOICES(write=_voice_a_segment, needs_network=True, is_baseline=True),
    "voices, all one voice": _OF_VOICES(
        write=_baseline(Decoded.one_channel, baselines.one_voice), is_baseline=True
    ),
}


def side_only(label: str) -> str:
    """Return the side of a label: `them 2` is `them`."""
    return THEM if label.startswith(THEM) else label
