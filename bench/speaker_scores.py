"""Counts words of the wrong speaker, in doubt, doubled and lost."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

from bench.cpwer import assigned, cp_mistakes
from bench.speaker_alignment import LIMIT_MS, Alignment, align
from bench.speaker_words import Token, Utterance

#: The label of a word in doubt, as in `shared.speakers`.
UNSURE = "unsure"
NEAR_A_TURN_MS = 500
#: Least probability of a label, and the counts of the words that have it.
BANDS = {"sure": 0.9, "likely": 0.7, "doubtful": 0.0}
#: A sentence with this share of its time under somebody else's voice is double talk.
DOUBLE_TALK_SHARE, DOUBLE_TALK_WORDS = 0.5, 3
#: With a smaller share of its words heard, a sentence is lost.
HEARD_SHARE = 0.5


@dataclass(frozen=True)
class Score:
    """Counts of words, which add up over calls. Only words with a counterpart have a right speaker."""

    words: int = 0
    paired: int = 0
    wrong_speaker: int = 0
    near: int = 0  # paired, within 0.5 s of a turn
    near_wrong: int = 0
    unsure: int = 0
    doubled: int = 0
    lost: int = 0
    wrong_words: int = 0  # lost, added and substituted
    cp_wrong_words: int = 0
    sure: int = 0  # probability of 0.9 or more
    sure_wrong: int = 0
    likely: int = 0  # 0.7 to 0.9
    likely_wrong: int = 0
    doubtful: int = 0  # below 0.7
    doubtful_wrong: int = 0
    double_talk: int = 0  # own sentences under the other voice
    double_talk_lost: int = 0
    of_nobody: int = 0  # written words of a side on which nobody speaks
    recordings: int = 0
    voices_right: int = 0  # recordings with as many labels as persons

    def __add__(self, other: Score) -> Score:
        return Score(*(getattr(self, it.name) + getattr(other, it.name) for it in fields(self)))


@dataclass(frozen=True)
class Judgement:
    """A score, and the words behind it: `wrong` is (said, written), `doubled` and `lost` single words."""

    score: Score
    wrong: tuple[tuple[Token, Token], ...] = ()
    doubled: tuple[Token, ...] = ()
    lost: tuple[Token, ...] = ()


def judge(
    utterances: Sequence[Utterance],
    heard: Sequence[Token],
    *,
    named: bool = False,
    own: str | None = None,
    limit_ms: int = LIMIT_MS,
) -> Judgement:
    """Compare a transcript with what was said.

    With `named` a label is the name of a person; without it, it is the person that fits best. `own` is the
    person whose sentences in double talk are counted.
    """
    said = _by_speaker(token for it in utterances for token in it.tokens)
    found = align(list(said.values()), heard, limit_ms)
    persons = {who: who for who in said} if named else _fitting(found, list(said))
    found, doubled = _without_echoes(found, persons, limit_ms)
    wrong = [pair for pair in found.pairs if _is_wrong(*pair, persons)]
    near = [pair for pair in found.pairs if _is_near(pair[0], _turns_ms(utterances))]
    sentences = [_is_lost(it, found) for it in utterances if _is_double_talk(it, own, utterances)]
    labels = {token.speaker for token in heard} - {UNSURE}
    score = Score(
        words=sum(map(len, said.values())),
        paired=len(found.pairs),
        wrong_speaker=len(wrong),
        near=len(near),
        near_wrong=sum(_is_wrong(*pair, persons) for pair in near),
        unsure=sum(written.speaker == UNSURE for _, written in found.pairs),
        doubled=len(doubled),
        lost=len(found.lost),
        wrong_words=found.wrong,
        cp_wrong_words=cp_mistakes(_texts(said), _texts(_by_speaker(heard))).wrong,
        **_by_band(found, persons),
        double_talk=len(sentences),
        double_talk_lost=sum(sentences),
        of_nobody=sum(named and token.speaker not in {*said, UNSURE} for token in heard),
        recordings=1,
        voices_right=int(len(labels) == len(said)),
    )
    return Judgement(score, tuple(wrong), doubled, found.lost)


def _by_speaker(tokens: Iterable[Token]) -> dict[str, list[Token]]:
    """Return the words of each speaker in the order of their times."""
    found: dict[str, list[Token]] = {}
    for token in sorted(tokens, key=lambda it: it.start_ms):
        found.setdefault(token.speaker, []).append(token)
    return found


def _texts(said: Mapping[str, Sequence[Token]]) -> dict[str, list[str]]:
    return {who: [token.text for token in tokens] for who, tokens in said.items()}


def _fitting(found: Alignment, persons: Sequence[str]) -> dict[str, str]:
    """Return for each label the person that it fits best, each person once at most."""
    counts = Counter((written.speaker, said.speaker) for said, written in found.pairs)
    labels = sorted({label for label, _ in counts} - {UNSURE})
    return assigned(labels, persons, lambda label, person: counts[label, person])


def _is_wrong(said: Token, written: Token, persons: Mapping[str, str]) -> bool:
    return written.speaker != UNSURE and persons.get(written.speaker) != said.speaker


def _by_band(found: Alignment, persons: Mapping[str, str]) -> dict[str, int]:
    """Count the words with a speaker by the probability of it, and those of them that are wrong."""
    counts: Counter[str] = Counter()
    for said, written in found.pairs:
        if written.speaker != UNSURE and written.probability is not None:
            band = next(name for name, least in BANDS.items() if written.probability >= least)
            counts[band] += 1
            counts[f"{band}_wrong"] += _is_wrong(said, written, persons)
    return dict(counts)


def _without_echoes(
    found: Alignment, persons: Mapping[str, str], limit_ms: int
) -> tuple[Alignment, tuple[Token, ...]]:
    """Return the alignment, and the added words that repeat a word which stands under another label.

    Of two such words the one with the right label becomes the pair.
    """
    pairs, added, doubled = list(found.pairs), [], []
    for extra in found.added:
        at = _repeated(extra, pairs, limit_ms)
        if at is None:
            added.append(extra)
            continue
        said, written = pairs[at]
        if _is_wrong(said, written, persons) and persons.get(extra.speaker) == said.speaker:
            pairs[at], extra = (said, extra), written
        doubled.append(extra)
    return Alignment(tuple(pairs), found.lost, (*added, *doubled)), tuple(doubled)


def _repeated(extra: Token, pairs: Sequence[tuple[Token, Token]], limit_ms: int) -> int | None:
    """Return the number of the nearest pair that an added word repeats under another label."""
    near = [
        (written.apart_ms(extra), at)
        for at, (said, written) in enumerate(pairs)
        if said.text == written.text == extra.text
        and written.speaker != extra.speaker
        and written.gap_ms(extra) <= limit_ms
    ]
    return min(near)[1] if near else None


def _turns_ms(utterances: Sequence[Utterance]) -> list[int]:
    """Return the times at which one person ends or begins and another begins or has ended."""
    ordered = sorted(utterances, key=lambda it: it.start_ms)
    changes = (pair for pair in pairwise(ordered) if pair[0].speaker != pair[1].speaker)
    return sorted(time for before, after in changes for time in (before.end_ms, after.start_ms))


def _is_near(token: Token, turns_ms: Sequence[int]) -> bool:
    at = bisect_left(turns_ms, token.start_ms - NEAR_A_TURN_MS)
    return at < len(turns_ms) and turns_ms[at] <= token.end_ms + NEAR_A_TURN_MS


def _is_double_talk(it: Utterance, own: str | None, utterances: Sequence[Utterance]) -> bool:
    """Return whether an own sentence is said mostly while somebody else talks."""
    if it.speaker != own or len(it.tokens) < DOUBLE_TALK_WORDS:
        return False
    covered = sum(it.overlap_ms(other) for other in utterances if other.speaker != own)
    return covered >= DOUBLE_TALK_SHARE * (it.end_ms - it.start_ms)


def _is_lost(sentence: Utterance, found: Alignment) -> bool:
    missing = len(set(sentence.tokens) & set(found.lost))
    return len(sentence.tokens) - missing < HEARD_SHARE * len(sentence.tokens)
