"""Labels of words that were heard on channels of their own."""

from __future__ import annotations

import pytest

from shared.speakers import CHANNELS, Label
from shared.words import Segment, Word, numbered
from transcribe_worker.speakers.labelling import Evidence, labels

WORDS = tuple(Word(100 * n, 100 * n + 90, f" w{n}", 0.9) for n in range(3))
SEGMENTS = numbered(
    [
        Segment(0, 190, "w0 w1", WORDS[:2], channel=0),
        Segment(100, 200, "um", (), channel=1),
        Segment(150, 290, "w2", WORDS[2:], channel=1),
    ]
)


@pytest.mark.parametrize(
    ("is_capture", "speakers"), [(True, ["me", "them"]), (False, ["voice 1", "voice 2"])]
)
def test_words_belong_to_the_speaker_of_their_channel(is_capture: bool, speakers: list[str]):
    found = labels(SEGMENTS, Evidence(is_capture=is_capture))

    assert found == [
        Label(0, 1, speakers[0], CHANNELS, 0.97),
        Label(2, 2, speakers[1], CHANNELS, 0.97),
    ]


def test_without_evidence_no_word_has_a_speaker():
    one_channel = numbered([Segment(0, 290, "w0 w1 w2", WORDS)])

    assert labels(one_channel, Evidence()) == []
