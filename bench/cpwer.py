"""The concatenated minimum-permutation word error rate (cpWER).

After Watanabe et al., "CHiME-6 Challenge: Tackling Multispeaker Speech Recognition for Unsegmented
Recordings", 2020: the words of each speaker are joined, and each written speaker is compared with the
speaker that makes the sum of wrong words least. A word of a wrong speaker is wrong twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.mistakes import Mistakes, between, total

MOST_SPEAKERS = 8


def cp_mistakes(said: Mapping[str, Sequence[str]], written: Mapping[str, Sequence[str]]) -> Mistakes:
    """Count the wrong words of the best assignment. Raises ValueError with more than eight speakers."""
    if len(said) > MOST_SPEAKERS:
        raise ValueError(f"{len(said)} speakers are more than {MOST_SPEAKERS}.")
    wrong = {(who, label): between(said[who], written[label]) for who in said for label in written}
    # What an assignment saves compared with losing one side's words and adding the other's.
    pairs = assigned(
        list(written),
        list(said),
        lambda label, who: len(said[who]) + len(written[label]) - wrong[who, label].wrong,
    )
    lost = [Mistakes(len(said[who]), deleted=len(said[who])) for who in said if who not in pairs.values()]
    added = [Mistakes(inserted=len(written[label])) for label in written if label not in pairs]
    return total([*(wrong[who, label] for label, who in pairs.items()), *lost, *added])


def assigned(
    labels: Sequence[str], persons: Sequence[str], gain: Callable[[str, str], float]
) -> dict[str, str]:
    """Return for labels the person that makes the sum of gains greatest, each person once at most.

    Tries all sets of persons, label after label: 2^persons steps a label.
    """
    best: dict[int, tuple[float, dict[str, str]]] = {0: (0.0, {})}
    for label in labels:
        following = dict(best)  # this label has no person
        for taken, (sum_, pairs) in best.items():
            for number, person in enumerate(persons):
                more = sum_ + gain(label, person)
                if not taken >> number & 1 and more > following.get(taken | 1 << number, (0.0,))[0]:
                    following[taken | 1 << number] = more, {**pairs, label: person}
        best = following
    return max(best.values(), key=lambda found: found[0])[1]
