"""The engine's protocol: every message crosses the pipe as it was, and versions meet without harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.errors import BadRecording, EngineFailed, EngineUnusable
from shared.settings import RecordOptions
from shared.speakers import VoiceTurn
from shared.words import Segment, Word
from transcribe_worker.engine.messages import (
    COMMANDS,
    EVENTS,
    PROTOCOL,
    Advanced,
    Cancel,
    Cancelled,
    Decoded,
    DecodedWindow,
    Done,
    Ended,
    Failed,
    Hold,
    Job,
    Levels,
    Load,
    MalformedMessage,
    Opened,
    OtherProtocol,
    Peaks,
    Position,
    Provisional,
    Ready,
    Reloading,
    Spent,
    Unknown,
    Voices,
    decode,
    encode,
)
from transcribe_worker.engine.setup import Setup, Wishes
from transcribe_worker.media.limits import RecordingLimits

SAID = Segment(1500, 2500, "Guten Tag.", (Word(1500, 2000, " Guten", 0.9), Word(2000, 2500, " Tag.", 0.8)))
POSITIONS = (Position(40.0, 63.125, 0), Position(0.0, 5.5, 1), Position(0.0, 7.25))
MESSAGES: tuple[Any, ...] = (
    Load("small", Path("models/small"), Wishes("cpu", "int8", 4, 2, 8), 16.0, Path("tuning.json")),
    Load("small", Path("models/small")),
    Load("small", Path("models/small"), is_background=True),
    Job(Path("Größe 北京 \udce9.wav"), RecordOptions(language="de", vad=False), POSITIONS, is_split=True),
    Job(Path("call.wav"), RecordOptions(), limits=RecordingLimits(1.0, 2.0, 3.0)),
    Job(Path("call.wav"), RecordOptions(speakers=2), voices=Path("models/voices.onnx")),
    Job(Path("call.wav"), RecordOptions(), POSITIONS[:1], language="de", language_probability=0.75),
    Job(Path("call.wav"), RecordOptions(), is_growing=True),
    Cancel(),
    Ended(),
    Hold(True),
    Ready(),
    Setup("cuda", "float16", 1, 0, 16, "the GPU was out of memory"),
    Reloading(),
    Advanced(1.25),
    Opened(61.5, ("cut_short",)),
    Opened(None),
    Decoded(0.0, 40.0, "de", (DecodedWindow(1.5, 29.0, (SAID, SAID)), DecodedWindow(30.0, 39.0))),
    Decoded(40.0, 80.0, "de", language_probability=0.75, flags=("language_changes",)),
    Decoded(80.0, 120.0, "", channel=1),
    Levels(50, "ff" * 50, "28" * 50, "ff32"),
    Peaks(20, ("ff" * 20, "28" * 20)),
    Provisional(12.5, (SAID,), 1, 20.5),
    Voices((VoiceTurn(0, 1_500, 1, 0.99), VoiceTurn(1_500, 2_000, 2, 0.5))),
    Done(80.0, ("damaged_audio",), Spent(0.5, 4.0, 0.25)),
    Failed("not_a_recording", "call.wav is text.", bad_input=True),
    Cancelled(),
)
crossing = pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)


def with_more(found: Any) -> Any:
    """The same JSON as a later version would write it: with another field in every object."""
    if isinstance(found, dict):
        return {name: with_more(value) for name, value in found.items()} | {"of_later": {"a": [1]}}
    return [with_more(item) for item in found] if isinstance(found, list) else found


def line(**fields: Any) -> str:
    return json.dumps({"protocol": PROTOCOL, **fields})


def test_every_message_is_tried_here() -> None:
    assert {type(message) for message in MESSAGES} == {*COMMANDS.values(), *EVENTS.values()}


@crossing
def test_a_message_crosses_the_pipe_as_it_was(message: Any) -> None:
    assert encode(message).count("\n") == 1
    assert decode(encode(message)) == message


@crossing
def test_fields_of_a_later_version_are_passed_over(message: Any) -> None:
    assert decode(json.dumps(with_more(json.loads(encode(message))))) == message


@crossing
@pytest.mark.parametrize("protocol", [PROTOCOL + 1, 0, "1", None])
def test_another_version_of_the_protocol_is_refused(message: Any, protocol: object) -> None:
    found = json.loads(encode(message)) | {"protocol": protocol}
    with pytest.raises(
        OtherProtocol, match=rf"version {protocol} of the engine's protocol, and this is {PROTOCOL}"
    ):
        decode(json.dumps(found))


def test_what_an_earlier_version_does_not_say_has_its_default() -> None:
    assert decode(line(type="opened", duration_seconds=None)) == Opened(None, ())
    assert decode(line(type="done", duration_seconds=2)) == Done(2.0, (), Spent())


def test_a_message_that_only_a_later_version_knows_is_told_apart() -> None:
    assert decode(line(type="mood", good=True)) == Unknown("mood")


@pytest.mark.parametrize(
    ("garbage", "says"),
    [
        ("", "is not a message"),
        ("Warning: something", "is not a message"),
        ("[1, 2]", "is not a message"),
        ("null", "is not a message"),
        ('{"type": "ready"}', "is not a message"),
        ("[" * 100_000, "is not a message"),
        (line(type="decoded", start_seconds=0.0), "end_seconds, language is missing"),
        (line(type="advanced", step_seconds="long"), "step_seconds must not be 'long'"),
        (line(type="advanced", step_seconds=True), "step_seconds must not be True"),
        (line(type="opened", duration_seconds=1, flags="cut"), "flags must not be 'cut'"),
        (line(type="opened", duration_seconds=1, flags=[1]), "flags must not be 1"),
        (line(type="done", duration_seconds=1, spent=3), "Spent must be an object"),
        (
            line(type="decoded", start_seconds=0, end_seconds=1, language="en", windows=[{}]),
            "start_seconds, end_seconds is missing",
        ),
        (
            line(
                type="decoded",
                start_seconds=0,
                end_seconds=1,
                language="en",
                windows=[{"start_seconds": 0, "end_seconds": 1, "segments": [{"text": 1}]}],
            ),
            "start_seconds must be a number",
        ),
    ],
)
def test_garbage_is_an_error_that_says_what_is_wrong(garbage: str, says: str) -> None:
    with pytest.raises(MalformedMessage, match=says):
        decode(garbage)


@pytest.mark.parametrize(
    ("failed", "kind"),
    [
        (Failed("not_a_recording", "It is text.", bad_input=True), BadRecording),
        (Failed(EngineUnusable.code, "No model."), EngineUnusable),
        (Failed("engine_failed", "It broke."), EngineFailed),
        (Failed("of_later", "It broke."), EngineFailed),
    ],
)
def test_an_error_keeps_its_kind_code_and_message(failed: Failed, kind: type[Exception]) -> None:
    error = failed.error()
    assert (type(error), error.code, str(error)) == (kind, failed.code, failed.message)
