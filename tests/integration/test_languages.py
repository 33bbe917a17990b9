"""The language of a recording: found at several places of it, kept with it, and flagged where it changes.

The bundled model knows English only. `Polyglot` is that model, which says of a language what it is told to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_whisper import WhisperModel

from shared.settings import RecordOptions
from shared.store.claims import Claim
from shared.store.store import Store
from tests.integration.records.operations import claim
from tests.recognition import Samples, decoded_by, recognition, segments, tiny_model
from tests.voices import SHORT_CALL, Call, speak, word_error_rate
from transcribe_worker.engine.messages import Decoded, DecodedWindow, Done, Opened
from transcribe_worker.jobs.progress import Progress
from transcribe_worker.recognition.languages import Language
from transcribe_worker.recognition.pipeline import Recognition
from transcribe_worker.speech.stretches import SAMPLE_RATE_HZ

#: One window after another, as what is heard in them is told.
IN_ORDER: dict[str, Any] = {"parallel": 1, "batch_size": 1}
ENGLISH, GERMAN = {"en": 0.95, "de": 0.05}, {"de": 0.97, "en": 0.03}


class Native:
    """CTranslate2's model, which hears `heard` in one window after another, and is asked in no language."""

    is_multilingual = True

    def __init__(self, model: Any, heard: Iterator[dict[str, float]]) -> None:
        self._model, self._heard = model, heard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate(self, features: Any, prompts: list[list[int]], **options: Any) -> Any:
        return self._model.generate(features, [prompt[:1] for prompt in prompts], **options)

    def align(self, encoded: Any, start: list[int], *rest: Any, **options: Any) -> Any:
        return self._model.align(encoded, start[:1], *rest, **options)

    def detect_language(self, encoded: Any) -> list[list[tuple[str, float]]]:
        return [
            [(f"<|{code}|>", it) for code, it in next(self._heard).items()] for _ in range(encoded.shape[0])
        ]


class Polyglot:
    """A model that hears `at_places` and `in_windows`; `seconds` of each place were given to it."""

    def __init__(
        self,
        model: WhisperModel,
        at_places: Iterable[dict[str, float]] = (),
        in_windows: Iterable[dict[str, float]] = (),
    ) -> None:
        self._model, self._at_places = model, iter(at_places)
        self.model = Native(model.model, iter(in_windows))
        self.seconds: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def detect_language(self, samples: Samples) -> tuple[str, float, list[tuple[str, float]]]:
        self.seconds.append(len(samples) / SAMPLE_RATE_HZ)
        heard = sorted(next(self._at_places).items(), key=lambda item: -item[1])
        return (*heard[0], heard)


@pytest.fixture(scope="module")
def model() -> WhisperModel:
    return tiny_model()


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)


def text(found: Recognition, samples: Samples) -> str:
    return " ".join(it.text for it in segments(decoded_by(found, samples)))


def test_a_greeting_in_another_language_does_not_decide(model: WhisperModel, short_call: Call) -> None:
    greeting = speak(SHORT_CALL[:1]).samples
    call = np.concatenate([greeting, silence(30), short_call.samples, silence(30), short_call.samples])
    polyglot = Polyglot(model, at_places=[GERMAN, *[ENGLISH] * 6])
    found = recognition(polyglot)
    found.find_language([call])
    assert found.language
    assert found.language.code == "en"
    assert 0.6 < (found.language.probability or 0) < 0.95
    assert polyglot.seconds[0] < 8, "only what is said at a place is listened to"


def test_a_cough_at_the_start_is_not_listened_to(model: WhisperModel, short_call: Call) -> None:
    cough = np.random.default_rng(1).normal(0, 0.1, round(0.35 * SAMPLE_RATE_HZ)).astype(np.float32)
    polyglot = Polyglot(model, at_places=[GERMAN])
    found = recognition(polyglot)
    found.find_language([np.concatenate([cough, silence(4), short_call.samples[: 20 * SAMPLE_RATE_HZ]])])
    assert found.language == Language("de", 0.97)
    assert polyglot.seconds[0] > 8


def test_where_nobody_speaks_at_any_place_the_first_window_decides(
    model: WhisperModel, short_call: Call
) -> None:
    found = recognition(Polyglot(model, at_places=[ENGLISH], in_windows=[ENGLISH] * 9))
    found.find_language([silence(40)])
    assert found.language is None
    assert word_error_rate(short_call.words, text(found, short_call.samples)) < 0.05
    assert found.language == Language("en", 0.95)


@pytest.mark.parametrize(
    ("language", "of_an_earlier_attempt"),
    [("en", None), ("auto", Language("en", 0.8))],
    ids=["given", "found"],
)
def test_a_language_that_is_known_is_not_looked_for(
    model: WhisperModel, language: str, of_an_earlier_attempt: Language | None
) -> None:
    found = recognition(Polyglot(model), language=language, language_found=of_an_earlier_attempt)
    assert found.language == (of_an_earlier_attempt or Language("en"))


@pytest.mark.parametrize(
    ("in_windows", "flags"),
    [([ENGLISH] * 9, ()), ([ENGLISH, *[GERMAN] * 8], ("language_changes",))],
    ids=["one language", "two"],
)
def test_another_language_in_a_later_window_is_flagged_and_costs_no_word(
    model: WhisperModel, short_call: Call, in_windows: list[dict[str, float]], flags: tuple[str, ...]
) -> None:
    found = recognition(
        Polyglot(model, in_windows=in_windows), **IN_ORDER, language_found=Language("en", 0.95)
    )
    twice = np.concatenate([short_call.samples, silence(5), short_call.samples])
    assert word_error_rate(f"{short_call.words} {short_call.words}", text(found, twice)) < 0.05
    assert found.flags == flags


def test_no_change_is_looked_for_in_a_language_that_a_person_has_chosen(
    model: WhisperModel, short_call: Call
) -> None:
    found = recognition(Polyglot(model), language="en")
    assert text(found, short_call.samples)
    assert found.flags == ()


# What is kept of it


@pytest.fixture
def claimed(store: Store) -> Claim:
    record = store.records.add(source="added", title="call", recording_path="/call.wav")
    return claim(store, record)


def decoded(start: float, *flags: str) -> Decoded:
    window = (DecodedWindow(start, start + 40),)
    return Decoded(start, start + 40, "de", window, language_probability=0.91, flags=flags)


def test_language_and_probability_are_kept_and_the_next_attempt_goes_on_with_them(
    store: Store, claimed: Claim
) -> None:
    Progress(store, claimed, 60.0).note(decoded(0.0))
    record = store.records.get(claimed.record.id)
    assert (record.language, record.language_probability) == ("de", 0.91)

    again = Progress(store, Claim(record, claimed.token), 60.0)
    job = again.job(Path("/call.wav"), RecordOptions())
    assert job.options.language == "auto"
    assert (job.language, job.language_probability) == ("de", 0.91)


def test_what_was_noticed_before_a_crash_is_still_flagged_after_it(store: Store, claimed: Claim) -> None:
    first = Progress(store, claimed, 60.0)
    for event in (Opened(120.0, ("cut_short",)), decoded(0.0), decoded(40.0, "language_changes")):
        first.note(event)
    record = store.records.get(claimed.record.id)
    assert record.flags == ("cut_short", "language_changes")

    again = Progress(store, Claim(record, claimed.token), 60.0)
    for event in (Opened(120.0, ("cut_short",)), decoded(80.0), Done(120.0, ("cut_short",))):
        again.note(event)
    assert store.records.get(record.id).flags == ("cut_short", "language_changes")
    assert again.findings.outcome(again.noticed)["flags"] == ("cut_short", "language_changes")


def test_a_recording_that_is_transcribed_again_is_listened_to_again(store: Store, claimed: Claim) -> None:
    progress = Progress(store, claimed, 60.0)
    progress.note(decoded(0.0, "language_changes"))
    store.claims.complete(claimed, [])
    record = store.records.requeue(claimed.record.id, {})
    assert (record.language, record.language_probability, record.flags) == (None, None, ())
