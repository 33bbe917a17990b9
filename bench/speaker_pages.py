"""The tables of `bench.speakers`, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict

from bench.figures import table
from bench.speaker_goals import goal_rows
from bench.speaker_outcome import SpeakerResult
from bench.speaker_scores import BANDS, Score
from bench.speaker_ways import GROUPS, WAYS

TITLES = {
    "mono": "One channel of a capture, labelled by the loudness of both sides",
    "split": "Two channels of a capture",
    "two-channel": "Two channels of another recorder",
    "voices": "One channel, labelled by voices",
}
EVERYTHING = "all"
TIMES = ("way", "minutes of calls", "decoding, times real time", "labels, % of decoding")


def _share(part: Callable[[Score], int], of: Callable[[Score], int]) -> Callable[[Score], str]:
    def percent(score: Score) -> str:
        return f"{100 * part(score) / of(score):.1f}" if of(score) else ""

    return percent


COLUMNS: dict[str, Callable[[Score], str]] = {
    "calls": lambda it: str(it.recordings),
    "words": lambda it: f"{it.words:,}",
    "wrong speaker %": _share(lambda it: it.wrong_speaker, lambda it: it.paired),
    "within 0.5 s of a turn %": _share(lambda it: it.near_wrong, lambda it: it.near),
    "unsure %": _share(lambda it: it.unsure, lambda it: it.paired),
    "doubled %": _share(lambda it: it.doubled, lambda it: it.words),
    "lost %": _share(lambda it: it.lost, lambda it: it.words),
    "own sentences lost": lambda it: f"{it.double_talk_lost} of {it.double_talk}" if it.double_talk else "",
    "wrong words %": _share(lambda it: it.wrong_words, lambda it: it.words),
    "cpWER %": _share(lambda it: it.cp_wrong_words, lambda it: it.words),
    "sure words": lambda it: f"{it.sure:,}",
    "of these wrong %": _share(lambda it: it.sure_wrong, lambda it: it.sure),
}
OF_VOICES = {"right number of voices %": _share(lambda it: it.voices_right, lambda it: it.recordings)}


def pages(results: Sequence[SpeakerResult]) -> Iterator[str]:
    """Yield the goals, the tables of each way with its baselines, and the time they take."""
    yield "## Goals\n"
    yield table(("", "goal", "measured", "met"), goal_rows(results))
    for group in GROUPS:
        found = [result for result in results if WAYS[result.way].of == group]
        if found:
            columns = {**COLUMNS, **(OF_VOICES if group == "voices" else {})}
            yield f"## {TITLES[group]}\n"
            yield table(("kind", "way", *columns), _rows(found, columns))
    yield "## Words and wrong speakers by the probability of the speaker\n"
    yield table(("way", "0.9 or more", "0.7 to 0.9", "below 0.7"), _bands(results))
    yield "## Processor time\n"
    yield table(TIMES, _times(results))


def _rows(
    results: Sequence[SpeakerResult], columns: dict[str, Callable[[Score], str]]
) -> Iterator[list[str]]:
    for kind in (EVERYTHING, *dict.fromkeys(result.kind for result in results)):
        for way in dict.fromkeys(result.way for result in results):
            score = summed(it for it in results if it.way == way and kind in (EVERYTHING, it.kind))
            if score.recordings:
                yield [kind, way, *(column(score) for column in columns.values())]


def summed(results: Iterable[SpeakerResult]) -> Score:
    """Return the sums of scores."""
    return sum((result.judgement.score for result in results), Score())


def _bands(results: Sequence[SpeakerResult]) -> Iterator[list[str]]:
    for way in dict.fromkeys(result.way for result in results):
        counts = asdict(summed(it for it in results if it.way == way))
        if any(counts[band] for band in BANDS):
            yield [way, *(_wrong_of(counts[band], counts[f"{band}_wrong"]) for band in BANDS)]


def _wrong_of(words: int, wrong: int) -> str:
    return f"{words:,} words, {100 * wrong / words:.1f} % wrong" if words else "0"


def _times(results: Sequence[SpeakerResult]) -> Iterator[list[str]]:
    for way in dict.fromkeys(result.way for result in results):
        own = [result for result in results if result.way == way]
        seconds, labels = sum(it.seconds for it in own), sum(it.label_seconds for it in own)
        decoding = max(1e-9, sum(it.decode_seconds for it in own))
        yield [way, f"{seconds / 60:.0f}", f"{seconds / decoding:.1f}", f"{100 * labels / decoding:.2f}"]


def shown(results: Iterable[SpeakerResult]) -> Iterator[str]:
    """Yield the wrong and doubled words of offhook's ways, call by call."""
    for result in results:
        lines = list(result.shown())
        if lines and not WAYS[result.way].is_baseline:
            yield f"\n{result.way}, {result.name}:"
            yield from (f"  {line}" for line in lines)
