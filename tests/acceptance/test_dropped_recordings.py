"""From a file dropped into the inbox to its transcript, with everything running as a person runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soxr

from tests.stage import Stage
from tests.voices import SHORT_CALL, Call, speak, word_error_rate

#: File name -> codec, the rate in Hz and the layout it takes.
CONTAINERS = {
    "as.flac": ("flac", 16_000, "mono"),
    "as.mp3": ("libmp3lame", 16_000, "mono"),
    "as.m4a": ("aac", 16_000, "mono"),
    "as.mp4": ("aac", 44_100, "stereo"),
    "as.ogg": ("vorbis", 44_100, "stereo"),
    "as.opus": ("libopus", 48_000, "mono"),
    "as.webm": ("libopus", 48_000, "mono"),
}


def test_a_long_call_becomes_a_transcript_with_few_errors(
    offhook: Stage, long_call: Call, record_property: Callable[[str, object], None]
) -> None:
    assert long_call.duration_seconds > 180
    offhook.drop_call(long_call, "long.wav")
    record = offhook.finished("long")
    assert record["status"] == "completed"
    assert record["duration_seconds"] == pytest.approx(long_call.duration_seconds, abs=0.01)
    text = offhook.offhook("show", str(record["id"]), "--format", "txt").stdout
    rate = word_error_rate(long_call.words, text)
    record_property("word_error_rate", rate)
    print(f"word error rate {rate:.2%} over {long_call.duration_seconds:.0f} s")
    assert rate < 0.10, text


def test_every_turn_is_found_at_the_moment_it_was_said(offhook: Stage, short_call: Call) -> None:
    offhook.drop_call(short_call, "moments.wav")
    record = offhook.finished("moments")
    segments = offhook.read("show", str(record["id"]))["transcript"]
    starts = np.array([word["start_seconds"] for segment in segments for word in segment["words"]])
    for start in short_call.starts_seconds:
        assert np.min(np.abs(starts - start)) < 0.5


def test_a_finished_recording_stands_in_the_library_with_its_transcripts(offhook: Stage) -> None:
    dropped = offhook.drop_call(speak(SHORT_CALL, seed=5), "Call with Ms. Weber.wav")
    content = dropped.read_bytes()
    record = offhook.finished("Call with Ms. Weber")
    stem = offhook.wait_for(lambda: offhook.read("show", str(record["id"]))["transcript_stem"], "the library")
    assert not dropped.exists()
    assert Path(f"{stem}.wav").read_bytes() == content
    assert (
        Path(f"{stem}.txt").read_text()
        == offhook.offhook("show", str(record["id"]), "--format", "txt").stdout
    )
    assert Path(f"{stem}.vtt").read_text().startswith("WEBVTT\n")
    assert " --> " in Path(f"{stem}.srt").read_text()
    assert json.loads(Path(f"{stem}.json").read_text())["title"] == "Call with Ms. Weber"
    assert Path(stem).parent.parent.parent == offhook.home / "library"


def test_recordings_in_every_container_are_transcribed(offhook: Stage, tmp_path: Path) -> None:
    calls = {name: speak(SHORT_CALL, seed=100 + number) for number, name in enumerate(CONTAINERS)}
    for name, call in calls.items():
        encode(call, tmp_path / name, *CONTAINERS[name])
        offhook.drop(tmp_path / name, f"{name[3:]} {name}")
    for name, call in calls.items():
        record = offhook.finished(f"{name[3:]} as")
        assert (name, record["status"], record["error"]) == (name, "completed", None)
        text = offhook.offhook("show", str(record["id"]), "--format", "txt").stdout
        assert word_error_rate(call.words, text) < 0.15, (name, text)


def encode(call: Call, path: Path, codec: str, rate_hz: int, layout: str) -> None:
    """Write a call with one of FFmpeg's encoders."""
    samples = soxr.resample(call.samples, 16_000, rate_hz)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=layout)
        stream.codec_context.options = {"strict": "experimental"}
        interleaved = np.repeat(samples, stream.codec_context.channels)[np.newaxis]
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=layout)
        frame.sample_rate = rate_hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_words_are_found_with_their_moment(offhook: Stage, short_call: Call) -> None:
    offhook.drop_call(speak(SHORT_CALL, seed=21), "searched.wav")
    record = offhook.finished("searched")
    word = "application"
    assert word in short_call.words
    hits = offhook.read("search", word[:6] + "*", "--limit", "100")["hits"]
    hit = next(hit for hit in hits if hit["record_id"] == record["id"])
    assert f"[{word}]" in hit["snippet"].lower()
    assert 0 < hit["start_seconds"] < record["duration_seconds"]


def test_output_into_a_pipe_has_no_colour(offhook: Stage) -> None:
    for command in ("status", "list", "config", "doctor"):
        done = offhook.offhook(command)
        assert "\x1b" not in done.stdout + done.stderr
