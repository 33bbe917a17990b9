"""Windows to words, in batches, with the rests of a sequential decoder and the retries of a careful one.

The encoder gets a window at its own length with some padding, not at 30 s; windows of similar length share a
batch. A part of a window that the model left undecoded goes into the next batch (Whisper's sequential decoder
*seeks* there, its batched one drops it). A window in doubt is tried again, alone and at 30 s.

The result depends on the windows given together and on nothing else, so an attempt that resumes after a crash
decodes as the first one would have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens
from numpy.typing import NDArray

from shared.words import Segment, Word, milliseconds
from transcribe_worker.recognition.batches import Batches
from transcribe_worker.recognition.checks import Outcome, doubts, is_no_speech
from transcribe_worker.recognition.pieces import (
    FRAMES_PER_SECOND,
    HOP,
    WHOLE_FRAMES,
    Draft,
    Piece,
    holes,
    rest,
)
from transcribe_worker.recognition.presets import Preset, Try
from transcribe_worker.recognition.tokens import (
    MOST_TOKENS_PER_SECOND,
    Said,
    split,
    without_echoes,
    without_loops,
    without_padding,
)
from transcribe_worker.speech.stretches import Window
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

#: A gap between two sentences that exceeds the longest pause by this much has speech.
PASSED_OVER_SECONDS = 1.0
#: Whisper's own limits: tokens of a window, and the last time stamp for its first word (1 s).
MOST_TOKENS = 448
LATEST_BEGIN = 50
#: Punctuation that faster-whisper joins to the next word, and to the one before.
PREPENDED, APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"


#: Returns the model to use for the next batch; it may be another one each time.
CurrentModel = Callable[[], WhisperModel]


@dataclass(frozen=True)
class Attempt:
    """The text of a piece, and the reasons to doubt it."""

    piece: Piece
    outcome: Outcome
    segments: list[Draft]
    rest: list[Piece]  # the part after the last sentence, if it is to be decoded
    reasons: list[str]

    @property
    def is_worth_another_try(self) -> bool:
        """Whether it is in doubt, and there is speech in it."""
        return bool(self.reasons) and self.piece.window.speech and not is_no_speech(self.outcome)


@dataclass(frozen=True)
class Request:
    """The options of a recording that the decoder needs."""

    preset: Preset
    language: str
    word_timestamps: bool = True
    initial_prompt: str = ""
    hotwords: str = ""


class Decoder:
    """Decodes windows, in any number of threads; each batch takes the model that is current then.

    It keeps no model: one that has failed must leave the memory of a GPU before the next is loaded.
    """

    def __init__(
        self, current_model: CurrentModel, request: Request, batches: Batches, check: Callable[[], None]
    ) -> None:
        self._current_model, self._request = current_model, request
        self._batches, self._check = batches, check
        model = current_model()
        self._tokenizer = _tokenizer(model.hf_tokenizer, model.model.is_multilingual, request.language)
        self._suppressed = get_suppressed_tokens(self._tokenizer, [-1])
        prompt = (
            self._tokenizer.encode(f" {request.initial_prompt.strip()}") if request.initial_prompt else []
        )
        self._prompt = model.get_prompt(self._tokenizer, prompt, hotwords=request.hotwords or None)

    def decode(self, windows: Sequence[Window]) -> list[tuple[Segment, ...]]:
        """Return the segments of each window; `check` is called between the steps and ends it by raising."""
        found: dict[int, list[tuple[int, Segment]]] = {window.start: [] for window in windows}
        pieces = [Piece.whole(window) for window in windows]
        while pieces:
            attempts = self._tried_again(self._attempts(pieces))
            for attempt in attempts:
                found[attempt.piece.window.start] += kept(attempt)
            pieces = [piece for attempt in attempts for piece in self._left(attempt)]
        return [_in_order(found[window.start]) for window in windows]

    def _attempts(self, pieces: Sequence[Piece]) -> list[Attempt]:
        """Decode pieces together with others of the same encoded length."""
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
        """Return for each piece the first attempt without doubts, else the one with the fewest."""
        for options in self._request.preset.tries:
            doubted = {attempt.piece: attempt for attempt in attempts if attempt.is_worth_another_try}
            again = self._in_batches(list(doubted), WHOLE_FRAMES, options)
            better = {attempt.piece: min(doubted[attempt.piece], attempt, key=_dubious) for attempt in again}
            attempts = [better.get(attempt.piece, attempt) for attempt in attempts]
        return attempts

    def _in_batches(self, pieces: Sequence[Piece], frames: int, options: Try) -> Iterator[Attempt]:
        """Decode pieces, each padded to `frames`."""

        def write(batch: Sequence[Piece]) -> list[Attempt]:
            self._check()
            return self._write(self._current_model(), batch, frames, options)

        return self._batches.run(pieces, write)

    def _write(
        self, model: WhisperModel, pieces: Sequence[Piece], frames: int, options: Try
    ) -> list[Attempt]:
        # A limit for its length, or a loop in a short window would take as long as one in a long window.
        tokens = len(self._prompt) + round(MOST_TOKENS_PER_SECOND * frames / FRAMES_PER_SECOND)
        features = np.stack([_features(model, piece.samples, frames) for piece in pieces])
        encoded = model.model.encode(StorageView.from_array(features))
        results = model.model.generate(
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
            self._place_words(model, encoded, attempts)
        return attempts

    def _judged(self, piece: Piece, result: Any) -> Attempt:
        tokens, seconds = result.sequences_ids[0], len(piece.samples) / SAMPLE_RATE_HZ
        said, cut_off = split(tokens, self._tokenizer.timestamp_begin, seconds)
        said = without_padding(without_echoes(said), seconds)
        left = rest(piece, said)
        if cut_off and not left:
            said = without_padding([*said, cut_off], seconds)
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
        return Attempt(piece, outcome, [self._draft(part) for part in said], left, reasons)

    def _left(self, attempt: Attempt) -> list[Piece]:
        """Return the parts of a piece that are still to be decoded."""
        longest_pause = self._request.preset.largest_gap_seconds + PASSED_OVER_SECONDS
        return [*holes(attempt.piece, attempt.segments, longest_pause), *attempt.rest]

    def _draft(self, said: Said) -> Draft:
        """Return a segment as faster-whisper wants it to place words."""
        text = self._tokenizer.decode(said.tokens)
        return {
            "seek": 0,
            "stamps": (said.start_seconds, said.end_seconds),  # the other two are moved to the words
            "start": said.start_seconds,
            "end": said.end_seconds,
            "tokens": said.tokens,
            "text": text,
            "words": None,
        }

    def _place_words(self, model: WhisperModel, encoded: StorageView, attempts: Sequence[Attempt]) -> None:
        nothing = {"seek": 0, "start": 0.0, "end": 0.0, "tokens": [], "words": None}
        model.add_word_timestamps(
            [attempt.segments or [dict(nothing)] for attempt in attempts],
            self._tokenizer,
            encoded,
            [len(attempt.piece.samples) // HOP for attempt in attempts],
            PREPENDED,
            APPENDED,
            last_speech_timestamp=0.0,
        )


def _features(model: WhisperModel, samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    padded = np.zeros(frames * HOP, np.float32)
    padded[: len(samples)] = samples
    features: NDArray[np.float32] = model.feature_extractor(padded)[:, :frames]
    return np.ascontiguousarray(features, np.float32)


@lru_cache(maxsize=4)
def _tokenizer(of_model: Any, is_multilingual: bool, language: str) -> Tokenizer:
    """Return the tokenizer of a language, kept for the next recording: making it tries every token."""
    return Tokenizer(of_model, is_multilingual, task="transcribe", language=language)


def _in_order(placed: Sequence[tuple[int, Segment]]) -> tuple[Segment, ...]:
    """Return the segments by their offset in the window, each starting no later than the next one.

    Words before a gap that was decoded again may have been placed inside the gap.
    """
    segments = [segment for _, segment in sorted(placed, key=itemgetter(0))]
    for at in range(len(segments) - 2, -1, -1):
        latest_ms = segments[at + 1].start_ms
        if segments[at].start_ms > latest_ms:
            words = tuple(replace(word, start_ms=latest_ms, end_ms=latest_ms) for word in segments[at].words)
            segments[at] = replace(segments[at], start_ms=latest_ms, end_ms=latest_ms, words=words)
    return tuple(segments)


def _dubious(attempt: Attempt) -> tuple[bool, int, float]:
    """Return a sort key, the best attempt first: loops last, then by doubts, then by probability."""
    loops = "repeats_itself" in attempt.reasons
    return loops, len(attempt.reasons), -attempt.outcome.average_log_probability


def kept(attempt: Attempt) -> list[tuple[int, Segment]]:
    """Return `(window_offset_samples, segment)` for the segments worth keeping; times are absolute, 1 ms.

    None is kept where the model and speech detection, or two figures of the model, agree that nobody speaks.
    """
    it, window = attempt.outcome, attempt.piece.window
    if is_no_speech(it) or (attempt.reasons and not window.speech):
        return []
    offset = (window.start + attempt.piece.offset) / SAMPLE_RATE_HZ
    latest = window.end / SAMPLE_RATE_HZ

    def at_ms(seconds: float) -> int:
        return milliseconds(min(offset + seconds, latest))

    return [
        (
            attempt.piece.at(draft["stamps"][0]),
            Segment(
                at_ms(draft["start"]),
                at_ms(draft["end"]),
                draft["text"].strip(),
                tuple(
                    Word(
                        at_ms(word["start"]),
                        at_ms(word["end"]),
                        word["word"],
                        round(float(word["probability"]), 4),
                    )
                    for word in draft["words"] or ()
                ),
                round(it.average_log_probability, 4),
                round(it.no_speech_probability, 4),
                round(it.compression_ratio, 3),
                tuple(attempt.reasons),
            ),
        )
        for draft in attempt.segments
        if any(map(str.isalnum, draft["text"]))  # a full stop alone says nothing
    ]
