"""The goals for speakers of words, and whether they are met."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench.speaker_outcome import SpeakerResult
from bench.speaker_real import ALONE, THREE, TWO
from bench.speaker_scores import Score

Measure = Callable[[Score], tuple[int, int]]


def _wrong(it: Score) -> tuple[int, int]:
    return it.wrong_speaker, it.paired


def _near(it: Score) -> tuple[int, int]:
    return it.near_wrong, it.near


def _doubled(it: Score) -> tuple[int, int]:
    return it.doubled, it.words


def _sentences(it: Score) -> tuple[int, int]:
    return it.double_talk_lost, it.double_talk


def _sure(it: Score) -> tuple[int, int]:
    return it.sure_wrong, it.sure


def _miscounted(it: Score) -> tuple[int, int]:
    return it.recordings - it.voices_right, it.recordings


def _of_nobody(it: Score) -> tuple[int, int]:
    return it.of_nobody, it.words


@dataclass(frozen=True)
class Goal:
    """At most this many per cent, in some ways, in the kinds that begin with one of these texts."""

    text: str
    ways: tuple[str, ...]
    kinds: tuple[str, ...]
    measure: Measure
    most_percent: float


SIDES = ("mono",)
ONE_VOICE = (ALONE, "one side silent")
GOALS = (
    Goal("mono, headsets: wrong speaker", SIDES, ("headsets",), _wrong, 1.0),
    Goal("mono, headsets, within 0.5 s of a turn: wrong speaker", SIDES, ("headsets",), _near, 3.0),
    Goal("mono, echo -6 dB: wrong speaker", SIDES, ("echo -6 dB",), _wrong, 3.0),
    Goal("mono, 20 % overlap: wrong speaker", SIDES, ("20 % overlap",), _wrong, 5.0),
    Goal("split: wrong speaker", ("split",), ("",), _wrong, 0.5),
    Goal("split: doubled", ("split",), ("",), _doubled, 0.5),
    Goal("split: own sentences lost in double talk", ("split",), ("",), _sentences, 0.0),
    Goal("two-channel: wrong speaker", ("two-channel",), ("",), _wrong, 0.5),
    Goal("two-channel: doubled", ("two-channel",), ("",), _doubled, 0.5),
    Goal("two-channel: own sentences lost in double talk", ("two-channel",), ("",), _sentences, 0.0),
    Goal("voices, two in turns: wrong speaker", ("voices",), ("headsets", TWO), _wrong, 4.0),
    Goal("voices, three in turns: wrong speaker", ("voices",), ("three people", THREE), _wrong, 8.0),
    Goal(
        "voices, one alone: recordings with another number",
        ("voices",),
        ONE_VOICE,
        _miscounted,
        5.0,
    ),
    *(
        Goal(f"{way}: wrong speaker of words at 0.9 or more", (way,), ("",), _sure, 1.0)
        for way in ("mono", "split", "two-channel", "voices")
    ),
    Goal("one side silent: words from it", (*SIDES, "split"), ("one side silent",), _of_nobody, 0.0),
)
SECONDS_PER_HOUR, LABELS_SECONDS = 3600, 1.0
#: Extra processor time in per cent of the decoding of one channel.
EXTRA_TIME = {"mono": 2.0, "voices": 10.0, "split": 30.0}


def goal_rows(results: Sequence[SpeakerResult]) -> Iterator[list[str]]:
    """Yield each goal that was measured: what, at most, measured, and whether it is met."""
    for goal in GOALS:
        found = [it for it in results if it.way in goal.ways and it.kind.startswith(goal.kinds)]
        if "echo -6 dB" in goal.kinds:
            found = [it for it in found if it.kind == "echo -6 dB"]
        part, whole = goal.measure(sum((it.judgement.score for it in found), Score()))
        if whole:
            percent = 100 * part / whole
            yield _row(goal.text, goal.most_percent, percent)
    own = [it for it in results if it.way == "mono"]
    if seconds := sum(it.seconds for it in own):
        labels = SECONDS_PER_HOUR * sum(it.label_seconds for it in own) / seconds
        met = "yes" if labels <= LABELS_SECONDS else "no"
        yield ["mono: labels of an hour", f"{LABELS_SECONDS:g} s", f"{labels:.2f} s", met]
    for way, most in EXTRA_TIME.items():
        if (extra := _extra_time(results, way)) is not None:
            yield _row(f"{way}: extra processor time", most, extra)


def _row(text: str, most: float, percent: float) -> list[str]:
    return [text, f"{most:g} %", f"{percent:.1f} %", "yes" if percent <= most else "no"]


def _extra_time(results: Sequence[SpeakerResult], way: str) -> float | None:
    """Return the time of a way beyond that of decoding one channel of the same calls, in per cent."""
    one = {it.name: it.decode_seconds for it in results if it.way in ("mono", "voices")}
    own = [it for it in results if it.way == way and it.name in one]
    if not own:
        return None
    spent = sum(it.decode_seconds + it.label_seconds for it in own)
    return 100 * (spent / sum(one[it.name] for it in own) - 1)
