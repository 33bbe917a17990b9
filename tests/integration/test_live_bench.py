"""The bench of live calls needs no person and prints every figure; its times are not checked."""

from __future__ import annotations

from bench.live import shown
from bench.live_calls import Calls
from bench.live_sound import clips_of

SAME = (
    *("words that decoding the file gives otherwise", "segments that it gives otherwise"),
    *("words to which it gives another speaker", "words revised after they were final"),
)
TIMED = ("from hanging up to completed", "from the end of a word to its sight", "the same, 95th percentile")


def test_the_bench_of_live_calls_follows_a_call_and_finds_its_transcript_unchanged() -> None:
    figures = Calls(clips_of([])[:4]).simulated(30, talk=0.9, last_seconds=4)

    values = {figure.name: figure.values for figure in figures}
    assert all(count > 20 for count in values["words"])
    assert {name: values[name] for name in SAME} == {name: [0] for name in SAME}
    assert all(seconds > 0 for name in TIMED for seconds in values[name])
    text = shown(("A call", figures))
    assert all(f"\n| {name} | " in text for name in (*SAME, *TIMED))
