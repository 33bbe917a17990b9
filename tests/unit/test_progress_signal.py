"""Which progress is told, and what does not count as progress."""

from __future__ import annotations

import pytest

from transcribe_worker.recognizer.progress_signal import MOST_STEPS_PER_STRETCH, ProgressSignal


class Model:
    """A model whose steps take as long as they are told to."""

    is_multilingual = False

    def __init__(self) -> None:
        self.now = 0.0

    def encode(self, features: str, seconds: float = 0.0) -> str:
        self.now += seconds
        return f"encoded {features}"


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def told() -> list[float]:
    return []


@pytest.fixture
def progress(model: Model, told: list[float]) -> ProgressSignal:
    return ProgressSignal(told.append, lambda: model.now)


def test_a_model_that_gives_signs_does_what_it_did(model: Model, progress: ProgressSignal):
    assert progress.of(model).encode("speech", seconds=1) == "encoded speech"
    assert progress.of(model).is_multilingual is False


def test_a_long_step_is_told_with_its_length_and_short_ones_once_a_second(
    model: Model, progress: ProgressSignal, told: list[float]
):
    stepping = progress.of(model)
    stepping.encode("", seconds=70)
    assert told == [70.0]
    for _ in range(50):
        stepping.encode("", seconds=0.125)
    assert len(told) == 1 + 50 // 8


def test_a_step_that_fails_is_no_progress(progress: ProgressSignal, model: Model, told: list[float]):
    with pytest.raises(TypeError):
        progress.of(model).encode()
    assert told == []


def test_audio_that_is_read_is_progress_once_a_second(
    model: Model, progress: ProgressSignal, told: list[float]
):
    for _ in range(20):
        model.now += 0.25
        progress.advanced()
    assert told == [0.0] * 5


def test_going_round_in_circles_within_a_window_is_no_progress_after_a_while(
    model: Model, progress: ProgressSignal, told: list[float]
):
    stepping = progress.of(model)
    for _ in range(3 * MOST_STEPS_PER_STRETCH):
        stepping.encode("", seconds=2)
    assert len(told) == MOST_STEPS_PER_STRETCH
    progress.begin_stretch()
    stepping.encode("", seconds=2)
    assert len(told) == MOST_STEPS_PER_STRETCH + 1
