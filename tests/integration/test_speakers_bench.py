"""The yardstick of speakers runs in a short form, with the real model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import speakers
from bench.speaker_engine import Decoded
from bench.speaker_outcome import results
from bench.speaker_scenes import SpeakerScene, scene_call
from bench.speaker_ways import GROUPS, WAYS
from bench.ways import load
from tests.voice_weights import real_network
from transcribe_worker.voices.network import VoiceNetwork


def test_every_way_that_applies_to_a_call_has_its_score(bundled: Path) -> None:
    call = scene_call("headsets", SpeakerScene(), 0.3)
    ways = [name for name, way in WAYS.items() if not way.needs_network]
    found = {it.way: it.judgement.score for it in results(Decoded(load(bundled), call), ways)}
    assert set(found) == set(ways)
    words = sum(len(it.tokens) for it in call.utterances)
    assert all(score.words == words > 40 for score in found.values())
    assert all(score.wrong_words <= 0.1 * words for score in found.values())
    assert all(found[way].wrong_speaker <= 0.05 * words for way in ("mono", "split", "two-channel"))
    assert found["mono, one speaker a segment"].wrong_speaker <= 0.05 * words
    assert found["voices, all one voice"].wrong_speaker > 0.2 * words


def test_voices_are_told_apart_by_the_network(bundled: Path, tmp_path: Path) -> None:
    call = scene_call("headsets", SpeakerScene(), 0.3)
    network = VoiceNetwork(real_network())
    ways = [name for name, way in WAYS.items() if way.of == "voices"]
    found, again = (
        {it.way: it.judgement.score for it in results(Decoded(load(bundled), call, network, tmp_path), ways)}
        for _ in range(2)
    )
    assert found["voices"].wrong_speaker <= 0.05 * found["voices"].paired
    assert found["voices, all one voice"].wrong_speaker > 0.2 * found["voices"].paired
    assert again == found, "the transcript that was kept is that which was found"


def test_the_page_has_every_table_and_the_file_every_word_that_is_wrong(
    tmp_path: Path, bundled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "speakers.md", tmp_path / "speakers.json"
    arguments = ("--scenes", "one side silent", "--minutes", 0.15, "--ways", "mono", "--real", tmp_path)
    files = ("--results", written[0], "--json", written[1])
    monkeypatch.setattr("sys.argv", ["speakers", *map(str, (*arguments, *files, "--model", bundled))])
    speakers.main()
    printed = capsys.readouterr()
    page = written[0].read_text("utf-8")
    assert page in printed.out
    assert f"there is no folder {tmp_path.name}" in printed.err
    assert [line for line in page.splitlines() if line.startswith("## ")] == [
        "## Goals",
        "## One channel of a capture, labelled by the loudness of both sides",
        "## Words and wrong speakers by the probability of the speaker",
        "## Processor time",
    ]
    found = json.loads(written[1].read_text("utf-8"))["results"]
    assert {it["way"] for it in found} == {
        "mono",
        "mono, louder side a second",
        "mono, one speaker a segment",
    }
    assert len({it["name"] for it in found}) == 2
    assert all(len(it["wrong"]) == it["score"]["wrong_speaker"] for it in found)


def test_each_of_the_ways_of_offhook_can_be_chosen() -> None:
    assert {way.of for way in WAYS.values()} <= set(GROUPS)
