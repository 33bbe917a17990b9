"""A model that fails during a recording is replaced as a whole; nothing changes under a running decoder."""

from __future__ import annotations

import weakref
from dataclasses import replace

import ctranslate2
import pytest
from faster_whisper import WhisperModel

from shared.errors import EngineUnusable
from shared.settings import RecordOptions
from shared.words import Segment
from tests.conftest import skip_or_fail
from tests.fake_gpu import OUT_OF_MEMORY, FakeGpu
from tests.voices import Call
from transcribe_worker.engine.messages import Load, Reloading
from transcribe_worker.engine.setup import Setup
from transcribe_worker.model_files import bundled_folder
from transcribe_worker.recognition.batches import Batches
from transcribe_worker.recognition.decoder import Decoder, Request
from transcribe_worker.recognition.languages import Language
from transcribe_worker.recognition.presets import chosen
from transcribe_worker.recognizer.loader import Loader
from transcribe_worker.recognizer.progress_signal import ProgressSignal
from transcribe_worker.speech.stretches import Window
from transcribe_worker.speech.windows import Span

FULL = RuntimeError(OUT_OF_MEMORY)


class Machine:
    """A loader on a machine with a GPU, and what it reports."""

    def __init__(self, room_frames: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
        folder = bundled_folder()
        if folder is None:
            skip_or_fail("the model tiny.en is not installed")
        gpu = FakeGpu(room_frames)
        really = ctranslate2.get_supported_compute_types
        monkeypatch.setattr(
            ctranslate2,
            "get_supported_compute_types",
            lambda device, index=0: set(room_frames) if device == "cuda" else really(device),
        )
        self.reports: list[Setup | Reloading] = []
        progress = ProgressSignal(lambda step_seconds: None)
        self.loader = Loader(gpu.load, gpu.machine, progress, self.reports.append)
        self.wanted = Load("tiny.en", folder)
        self.loader.load(self.wanted)

    @property
    def devices(self) -> list[str]:
        return [it.device if isinstance(it, Setup) else "reloading" for it in self.reports]


def test_a_model_that_failed_is_left_as_it_was_and_another_takes_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine({"float16": 300, "int8_float16": 300}, monkeypatch)
    failed = machine.loader.current_model()
    native = failed.model
    assert machine.loader.relieve(FULL, 1) >= 1
    assert failed.model is native
    assert machine.loader.current_model() is not failed
    assert machine.devices[:2] == ["cuda", "reloading"]


def test_the_model_that_failed_is_freed_before_the_next_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine({"float16": 300, "int8_float16": 300}, monkeypatch)
    failed, alive = weakref.ref(machine.loader.current_model()), []
    load = machine.loader._load

    def watching(*arguments: object, **options: object) -> WhisperModel:
        alive.append(failed() is not None)
        return load(*arguments, **options)

    machine.loader._load = watching
    machine.loader.relieve(FULL, 1)
    assert alive
    assert not any(alive)


def test_a_decoder_takes_the_new_model_with_its_next_batch_and_loses_no_word(
    monkeypatch: pytest.MonkeyPatch, short_call: Call
) -> None:
    machine = Machine({"float16": 300, "int8_float16": 300}, monkeypatch)
    window = Window(0, short_call.samples, (Span(0, len(short_call.samples)),))
    request = Request(chosen(RecordOptions()), Language("en"))

    def text(loader: Loader) -> str:
        assert loader.setup
        batches = Batches(loader.setup.batch_size, loader.relieve)
        (segments,) = Decoder(loader.current_model, request, batches, lambda: None).decode([window])
        return " ".join(map(_text, segments))

    written = text(machine.loader)
    assert machine.devices[0] == "cuda"
    assert machine.devices[-1] == "cpu"
    usual = Machine({"float16": 1_000_000}, monkeypatch)
    assert written == text(usual.loader) != ""
    assert usual.devices == ["cuda"]


def test_between_recordings_the_cores_are_shared_out_again_once(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine({"float16": 300, "int8_float16": 300}, monkeypatch)
    while machine.loader.setup and machine.loader.setup.device != "cpu":
        machine.loader.relieve(FULL, 1)
    machine.loader.rebalance()
    balanced = machine.loader.current_model()
    machine.loader.rebalance()
    assert machine.loader.current_model() is balanced
    assert machine.reports[-2:][0] == Reloading()


def test_without_a_model_nobody_gets_half_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine({"float16": 300}, monkeypatch)

    def refuse(*_: object, **__: object) -> WhisperModel:
        raise RuntimeError("std::bad_alloc")

    machine.loader._load = refuse
    with pytest.raises(EngineUnusable, match="cannot be loaded again"):
        machine.loader.relieve(FULL, 1)
    with pytest.raises(EngineUnusable, match="has no model"):
        machine.loader.current_model()
    with pytest.raises(RuntimeError, match="bad_alloc"):
        machine.loader.load(replace(machine.wanted, name="again"))


def _text(segment: Segment) -> str:
    return segment.text
