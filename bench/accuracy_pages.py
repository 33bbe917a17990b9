"""The tables of `bench.accuracy`, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bench.answers import ALONE, BETWEEN
from bench.bootstrap import interval
from bench.confidence import BANDS, by_band
from bench.figures import table
from bench.mistakes import total
from bench.outcome import Result
from bench.ways import DEFAULT

TITLES = {
    "alone": "Real recordings, each alone",
    "calls": "Real recordings of a kind, joined to calls",
    "synthesised": "Synthesised calls",
    "answers": "Very short answers",
}
EVERYTHING = "all"
WORDS = ("kind", "way", "recordings", "words", "wrong %", "to the default, points (95 %)", "deleted")
HEAD = (*WORDS, "inserted", "substituted", "loops")
ANSWERS_HEAD = (
    "kind",
    "way",
    "answers",
    "without words",
    "of them the default has words",
    "wrong %",
    "loops",
)


def pages(results: Sequence[Result]) -> Iterator[str]:
    """Yield the tables of each part."""
    for part, title in TITLES.items():
        found = [result for result in results if result.clip.part == part]
        if not found:
            continue
        yield f"## {title}\n"
        yield (
            table(HEAD, _mistakes_rows(found)) if part != "answers" else table(ANSWERS_HEAD, _answers(found))
        )
        if part != "answers" and any(result.judged for result in found):
            yield f"### {title}: how many words have which probability, and how many of them are right\n"
            yield table(("way", *(f"{band}: words, right %" for band in BANDS)), _confidence_rows(found))


def _mistakes_rows(results: Sequence[Result]) -> Iterator[list[str]]:
    kinds = list(dict.fromkeys(result.clip.kind for result in results))
    for kind in (EVERYTHING, *kinds):
        found = [result for result in results if kind in (EVERYTHING, result.clip.kind)]
        for way, own in _by_way(found).items():
            yield [kind, way, *_figures(own, _by_way(found).get(DEFAULT))]


def _figures(own: Sequence[Result], default: Sequence[Result] | None) -> list[str]:
    judged = [result for result in own if result.clip.is_judged]
    sums = total(result.mistakes for result in judged)
    return [
        str(len(judged)),
        f"{sums.words:,}",
        f"{100 * sums.rate:.1f}" if judged else "",
        _difference(own, default) if default else "",
        *(str(count) for count in (sums.deleted, sums.inserted, sums.substituted)),
        str(sum(len(result.loops) for result in own)),
    ]


def _difference(own: Sequence[Result], default: Sequence[Result]) -> str:
    """Format the difference of the error rates with its interval, empty for the default itself."""
    if own[0].way == DEFAULT:
        return ""
    mine = [result.mistakes for result in own if result.clip.is_judged]
    his = [result.mistakes for result in default if result.clip.is_judged]
    points = 100 * (total(mine).rate - total(his).rate)
    between = interval(mine, his)
    return _points(points) + (f" ({_points(between[0])} to {_points(between[1])})" if between else "")


def _points(points: float) -> str:
    return f"{round(points, 1) + 0.0:+.1f}"  # the sum is never -0.0


def _answers(results: Sequence[Result]) -> Iterator[list[str]]:
    for kind in (ALONE, BETWEEN):
        found = _by_way([result for result in results if result.clip.kind == kind])
        heard = {result.clip.name for result in found.get(DEFAULT, []) if not result.is_empty}
        for way, own in found.items():
            empty = [result for result in own if result.is_empty]
            lost = str(sum(result.clip.name in heard for result in empty)) if DEFAULT in found else ""
            wrong = total(result.mistakes for result in own).rate
            loops = sum(len(result.loops) for result in own)
            yield [kind, way, str(len(own)), str(len(empty)), lost, f"{100 * wrong:.1f}", str(loops)]


def _confidence_rows(results: Sequence[Result]) -> Iterator[list[str]]:
    for way, own in _by_way(results).items():
        bands = by_band(word for result in own for word in result.judged)
        if any(words for words, _ in bands.values()):
            yield [way, *(_share(*counts) for counts in bands.values())]


def _share(words: int, right: int) -> str:
    return f"{words:,}, {100 * right / words:.1f}" if words else "0"


def _by_way(results: Iterable[Result]) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.way, []).append(result)
    return found


def shown(results: Sequence[Result]) -> Iterator[str]:
    """Yield the texts of recordings in which a way has more mistakes than the default, or a loop."""
    default = {(it.clip.part, it.clip.kind, it.clip.name): it for it in results if it.way == DEFAULT}
    for it in results:
        other = default.get((it.clip.part, it.clip.kind, it.clip.name))
        if it is other or not (it.loops or (other and it.mistakes.wrong > other.mistakes.wrong)):
            continue
        than = f", {other.mistakes.wrong} of the default" if other else ""
        looped = "".join(f"; loop: {phrase}" for phrase in it.loops)
        yield f"\n{it.clip.part}, {it.clip.name}: {it.mistakes.wrong} mistakes of {it.way}{than}{looped}"
        yield f"  words:   {it.clip.words}"
        yield f"  {it.way}: {it.transcript.text}"
        if other:
            yield f"  default: {other.transcript.text}"
