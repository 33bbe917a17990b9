"""Windows to words, in batches: what Whisper's own two ways do, one careful and one fast, in a single one.

A window is given to the encoder at its own length and some padding, not at 30 s; windows of like length go
together. What the model leaves undecoded of a window goes into the next batch (a sequential decoder would
*seek* there, a batched one forgets it). What is in doubt is tried again, alone and at 30 s.

Everything follows from the windows that are given together, so an attempt that goes on after a crash decodes
as the first one would have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens
from numpy.typing import NDArray

from transcribe_worker.recognition.batches import Batches
from transcribe_worker.recognition.checks import Outcome, doubts, is_no_speech
from transcribe_worker.recognition.pieces import FRAMES_PER_SECOND, HOP, WHOLE_FRAMES, Piece, holes, rest
from transcribe_worker.recognition.presets import Preset, Try
from transcribe_worker.recognition.tokens import (
    MOST_TOKENS_PER_SECOND,
    Said,
    split,
    without_echoes,
    without_loops,
)
from transcribe_worker.speech.stretches import Window
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

#: So much more than a pause between two sentences, and something was said there.
PASSED_OVER_SECONDS = 1.0
#: Whisper's own limits: tokens of a window, and where its first word may begin (a second).
MOST_TOKENS = 448
LATEST_BEGIN = 50
PREPENDED, APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"


@dataclass(frozen=True)
class Attempt:
    """What the model has written of a piece, and what to think of it."""

    piece: Piece
    outcome: Outcome
    segments: list[dict[str, Any]]
    rest: list[Piece]  # what is left to decode behind the last sentence
    reasons: list[str]

    @property
    def is_worth_another_try(self) -> bool:
        """Whether it is in doubt, and there is speech in it."""
        return bool(self.reasons) and self.piece.window.speech and not is_no_speech(self.outcome)


@dataclass(frozen=True)
class Request:
    """What a recording is decoded with."""

    preset: Preset
    language: str
    word_timestamps: bool = True
    initial_prompt: str = ""
    hotwords: str = ""


class Decoder:
    """Decodes with one model; any number of threads may, the model does as many at once as it has workers."""

    def __init__(
        self, model: WhisperModel, request: Request, batches: Batches, check: Callable[[], None]
    ) -> None:
        self._model, self._request, self._batches, self._check = model, request, batches, check
        self._tokenizer = _tokenizer(model.hf_tokenizer, model.model.is_multilingual, request.language)
        self._suppressed = get_suppressed_tokens(self._tokenizer, [-1])
        prompt = (
            self._tokenizer.encode(f" {request.initial_prompt.strip()}") if request.initial_prompt else []
        )
        self._prompt = model.get_prompt(self._tokenizer, prompt, hotwords=request.hotwords or None)

    def decode(self, windows: Sequence[Window]) -> list[list[dict[str, Any]]]:
        """The segments of each window; `check` is called between the steps and ends it by raising."""
        found: dict[int, list[tuple[int, dict[str, Any]]]] = {window.start: [] for window in windows}
        pieces = [Piece.whole(window) for window in windows]
        while pieces:
            attempts = self._tried_again(self._attempts(pieces))
            for attempt in attempts:
                found[attempt.piece.window.start] += kept(attempt)
            pieces = [piece for attempt in attempts for piece in self._left(attempt)]
        return [_in_order(found[window.start]) for window in windows]

    def _attempts(self, pieces: Sequence[Piece]) -> list[Attempt]:
        """Decode pieces together with those of like length."""
        preset = self._request.preset
        options = {"beam_size": preset.beam_size}

        def length(piece: Piece) -> int:
            return piece.frames(preset.padding_seconds)

        return [
            attempt
            for frames, alike in groupby(sorted(pieces, key=length), key=length)
            for attempt in self._in_batches(list(alike), frames, options)
        ]

    def _tried_again(self, attempts: list[Attempt]) -> list[Attempt]:
        """Of each piece the first attempt without doubts, else the one to doubt least."""
        for options in self._request.preset.tries:
            doubted = {attempt.piece: attempt for attempt in attempts if attempt.is_worth_another_try}
            again = self._in_batches(list(doubted), WHOLE_FRAMES, options)
            better = {attempt.piece: min(doubted[attempt.piece], attempt, key=_dubious) for attempt in again}
            attempts = [better.get(attempt.piece, attempt) for attempt in attempts]
        return attempts

    def _in_batches(self, pieces: Sequence[Piece], frames: int, options: Try) -> Iterator[Attempt]:
        """Decode pieces, with so many frames each."""

        def write(batch: Sequence[Piece]) -> list[Attempt]:
            self._check()
            return self._write(batch, frames, options)

        return self._batches.run(pieces, write)

    def _write(self, pieces: Sequence[Piece], frames: int, options: Try) -> list[Attempt]:
        # Without a limit of its own, a loop in a short window would be written for as long as in a long one.
        tokens = len(self._prompt) + round(MOST_TOKENS_PER_SECOND * frames / FRAMES_PER_SECOND)
        features = np.stack([self._features(piece.samples, frames) for piece in pieces])
        encoded = self._model.model.encode(StorageView.from_array(features))
        results = self._model.model.generate(
            encoded,
            [self._prompt] * len(pieces),
            max_length=min(MOST_TOKENS, tokens),
            max_initial_timestamp_index=LATEST_BEGIN,
            suppress_tokens=self._suppressed,
            return_scores=True,
            return_no_speech_prob=True,
            **options,
        )
        attempts = [self._judged(piece, result) for piece, result in zip(pieces, results, strict=True)]
        if self._request.word_timestamps:
            self._place_words(encoded, attempts)
        return attempts

    def _features(self, samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
        padded = np.zeros(frames * HOP, np.float32)
        padded[: len(samples)] = samples
        features: NDArray[np.float32] = self._model.feature_extractor(padded)[:, :frames]
        return np.ascontiguousarray(features, np.float32)

    def _judged(self, piece: Piece, result: Any) -> Attempt:
        tokens, seconds = result.sequences_ids[0], len(piece.samples) / SAMPLE_RATE_HZ
        said, cut_off = split(tokens, self._tokenizer.timestamp_begin, seconds)
        said = without_echoes(said)
        left = rest(piece, said)
        if cut_off and not left:
            said = [*said, cut_off]
        written_seconds = said[-1].end_seconds if said else 0.0
        outcome = Outcome(
            text="".join(self._tokenizer.decode(part.tokens) for part in said).strip(),
            seconds=seconds,
            written_seconds=written_seconds,
            covered_seconds=seconds if left else written_seconds,
            average_log_probability=result.scores[0] * len(tokens) / (len(tokens) + 1),
            no_speech_probability=result.no_speech_prob,
        )
        reasons = doubts(outcome)
        if "repeats_itself" in reasons:
            said = without_loops(said)
        return Attempt(piece, outcome, [self._segment(part) for part in said], left, reasons)

    def _left(self, attempt: Attempt) -> list[Piece]:
        """What of a piece is still to be decoded."""
        longest_pause = self._request.preset.largest_gap_seconds + PASSED_OVER_SECONDS
        return [*holes(attempt.piece, attempt.segments, longest_pause), *attempt.rest]

    def _segment(self, said: Said) -> dict[str, Any]:
        """A segment as faster-whisper wants it for finding the moments of words."""
        text = self._tokenizer.decode(said.tokens)
        return {
            "seek": 0,
            "stamps": (said.start_seconds, said.end_seconds),  # the others are moved to where the words are
            "start": said.start_seconds,
            "end": said.end_seconds,
            "tokens": said.tokens,
            "text": text,
            "words": None,
        }

    def _place_words(self, encoded: StorageView, attempts: Sequence[Attempt]) -> None:
        nothing = {"seek": 0, "start": 0.0, "end": 0.0, "tokens": [], "words": None}
        self._model.add_word_timestamps(
            [attempt.segments or [dict(nothing)] for attempt in attempts],
            self._tokenizer,
            encoded,
            [len(attempt.piece.samples) // HOP for attempt in attempts],
            PREPENDED,
            APPENDED,
            last_speech_timestamp=0.0,
        )


@lru_cache(maxsize=4)
def _tokenizer(of_model: Any, is_multilingual: bool, language: str) -> Tokenizer:
    """The tokenizer of a language, kept for the next recording: it tries each token that may be no speech."""
    return Tokenizer(of_model, is_multilingual, task="transcribe", language=language)


def _in_order(placed: Sequence[tuple[int, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Segments in the order in which they were said; none begins behind the next one.

    Where something was passed over, words in front of it may be found in it.
    """
    segments = [segment for _, segment in sorted(placed, key=itemgetter(0))]
    for segment, following in reversed(list(pairwise(segments))):
        latest = following["start_seconds"]
        if segment["start_seconds"] > latest:
            segment["start_seconds"] = segment["end_seconds"] = latest
            for word in segment["words"] or ():
                word[:2] = latest, latest
    return segments


def _dubious(attempt: Attempt) -> tuple[bool, int, float]:
    """Sorts attempts, the best first: loops last, then by doubts, then by probability."""
    loops = "repeats_itself" in attempt.reasons
    return loops, len(attempt.reasons), -attempt.outcome.average_log_probability


def kept(attempt: Attempt) -> list[tuple[int, dict[str, Any]]]:
    """The segments to keep, behind where they stand in the window, in samples; times of the recording in
    seconds, to the millisecond.

    Nothing is kept where the model and speech detection, or two signs of the model's own, agree that it is
    no speech.
    """
    it, window = attempt.outcome, attempt.piece.window
    if is_no_speech(it) or (attempt.reasons and not window.speech):
        return []
    offset = (window.start + attempt.piece.offset) / SAMPLE_RATE_HZ
    latest = window.end / SAMPLE_RATE_HZ

    def at(seconds: float) -> float:
        return round(min(offset + seconds, latest), 3)

    return [
        (
            attempt.piece.at(segment["stamps"][0]),
            {
                "start_seconds": at(segment["start"]),
                "end_seconds": at(segment["end"]),
                "text": segment["text"].strip(),
                "average_log_probability": round(it.average_log_probability, 4),
                "no_speech_probability": round(it.no_speech_probability, 4),
                "compression_ratio": round(it.compression_ratio, 3),
                "doubts": attempt.reasons,
                "words": [
                    [at(word["start"]), at(word["end"]), word["word"], round(float(word["probability"]), 4)]
                    for word in segment["words"] or ()
                ]
                or None,
            },
        )
        for segment in attempt.segments
        if any(map(str.isalnum, segment["text"]))  # a lone full stop is nothing
    ]
