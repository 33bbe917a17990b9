"""Windows to words, in batches, with the rests of a sequential decoder and the retries of a careful one.

The encoder gets a window at its own length with some padding, not at 30 s; windows of similar length share a
batch. A part of a window that the model left undecoded goes into the next batch (Whisper's sequential decoder
*seeks* there, its batched one drops it). A window in doubt is tried again, alone and at 30 s.

The result depends on the windows given together and on nothing else, so an attempt that resumes after a crash
decodes as the first one would have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from types import MappingProxyType
from typing import Any

import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens
from numpy.typing import NDArray

from shared.words import Segment
from transcribe_worker.recognition.attempts import Attempt, better, in_order, kept
from transcribe_worker.recognition.batches import Batches
from transcribe_worker.recognition.checks import ONE_WORD_SECONDS, Outcome, confirms, doubts
from transcribe_worker.recognition.languages import Language, heard_in
from transcribe_worker.recognition.loops import loops_of, without_loops
from transcribe_worker.recognition.pieces import (
    FRAMES_PER_SECOND,
    HOP,
    WHOLE_FRAMES,
    Draft,
    Piece,
    holes,
    rest,
)
from transcribe_worker.recognition.presets import Options, Preset
from transcribe_worker.recognition.prompts import Prompt
from transcribe_worker.recognition.tokens import (
    MOST_TOKENS_PER_SECOND,
    Said,
    split,
    without_echoes,
    without_padding,
)
from transcribe_worker.speech.stretches import Window
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

#: A gap between two sentences that exceeds the longest pause by this much has speech.
PASSED_OVER_SECONDS = 1.0
#: Up to this length, features of zero follow the sound, as in faster-whisper's own loop, not of silence. Of
#: 80 spoken digits 39 % were wrong with them and 51 % with silence. Longer pieces are better with silence.
SHORT = round(ONE_WORD_SECONDS * SAMPLE_RATE_HZ)
#: Whisper's own limits: tokens of a window, and the last time stamp for its first word (1 s).
MOST_TOKENS = 448
LATEST_BEGIN = 50
#: Punctuation that faster-whisper joins to the next word, and to the one before.
PREPENDED, APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"


#: Returns the model to use for the next batch; it may be another one each time.
CurrentModel = Callable[[], WhisperModel]


@dataclass(frozen=True)
class Request:
    """The options of a recording that the decoder needs."""

    preset: Preset
    language: Language
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
        self._tokenizer = _tokenizer(model.hf_tokenizer, model.model.is_multilingual, request.language.code)
        self._suppressed = get_suppressed_tokens(self._tokenizer, [-1])
        prompt = Prompt.of(self._tokenizer, request.initial_prompt, request.hotwords)
        self._prompt, self.prompt_is_cut = prompt.tokens, prompt.is_cut
        self.language_changes = False  # in a window decoded so far

    def decode(self, windows: Sequence[Window]) -> list[tuple[Segment, ...]]:
        """Return the segments of each window; `check` is called between the steps and ends it by raising."""
        found: dict[int, list[tuple[int, Segment]]] = {window.start: [] for window in windows}
        pieces = [Piece.whole(window) for window in windows]
        while pieces:
            attempts = self._tried_again(self._attempts(pieces))
            for attempt in attempts:
                found[attempt.piece.window.start] += kept(attempt)
            pieces = [piece for attempt in attempts for piece in self._left(attempt)]
        return [in_order(found[window.start], window) for window in windows]

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
        """Decode what is in doubt again at 30 s, first with a wider beam, then without repetitions."""
        for options in self._request.preset.tries:
            doubted = {attempt.piece: attempt for attempt in attempts if attempt.is_in_doubt}
            again = self._in_batches(list(doubted), WHOLE_FRAMES, options, doubted)
            improved = {attempt.piece: better(doubted[attempt.piece], attempt) for attempt in again}
            attempts = [improved.get(attempt.piece, attempt) for attempt in attempts]
        return attempts

    def _in_batches(
        self,
        pieces: Sequence[Piece],
        frames: int,
        options: Options,
        earlier: Mapping[Piece, Attempt] = MappingProxyType({}),
    ) -> Iterator[Attempt]:
        """Decode pieces, each padded to `frames`; `earlier` has the attempts before."""

        def write(batch: Sequence[Piece]) -> list[Attempt]:
            self._check()
            return self._write(self._current_model(), batch, frames, options, earlier)

        return self._batches.run(pieces, write)

    def _write(
        self,
        model: WhisperModel,
        pieces: Sequence[Piece],
        frames: int,
        options: Options,
        earlier: Mapping[Piece, Attempt],
    ) -> list[Attempt]:
        # A limit for its length, or a loop in a short window would take as long as one in a long window.
        tokens = len(self._prompt) + round(MOST_TOKENS_PER_SECOND * frames / FRAMES_PER_SECOND)
        encoded = _encoded(model, [_features(model, piece.samples, frames) for piece in pieces])
        if self._request.language.is_found and not earlier:
            self._note_languages(model, encoded, pieces)
        results = model.model.generate(
            _joined(encoded),
            [self._prompt] * len(pieces),
            max_length=min(MOST_TOKENS, tokens),
            max_initial_timestamp_index=LATEST_BEGIN,
            suppress_tokens=self._suppressed,
            return_scores=True,
            return_no_speech_prob=True,
            **options,
        )
        attempts = [
            self._judged(piece, result, earlier.get(piece))
            for piece, result in zip(pieces, results, strict=True)
        ]
        if self._request.word_timestamps:
            for part, of_part in zip(encoded, _parted(attempts, len(encoded)), strict=True):
                self._place_words(model, part, of_part)
        return attempts

    def _note_languages(
        self, model: WhisperModel, encoded: Sequence[StorageView], pieces: Sequence[Piece]
    ) -> None:
        """Note whether a piece is in another language; asking costs one step of the decoder."""
        found = (heard for part in encoded for heard in model.model.detect_language(part))
        for piece, heard in zip(pieces, found, strict=True):
            seconds = len(piece.samples) / SAMPLE_RATE_HZ
            if self._request.language.changes(heard_in(heard), seconds):
                self.language_changes = True  # never set back: several threads decode

    def _judged(self, piece: Piece, result: Any, earlier: Attempt | None) -> Attempt:
        tokens, seconds = result.sequences_ids[0], len(piece.samples) / SAMPLE_RATE_HZ
        split_words = self._tokenizer.split_to_word_tokens
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
            loops=loops_of(said, split_words),
        )
        reasons = doubts(outcome)
        is_confirmed = earlier is not None and confirms(outcome, earlier.outcome)
        if outcome.loops and not is_confirmed:
            said = without_loops(said, split_words)
        return Attempt(piece, outcome, [self._draft(part) for part in said], left, reasons, is_confirmed)

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
    """Return the features of samples and of what follows them, shape (mels, frames)."""
    sound = -(-len(samples) // HOP) if len(samples) <= SHORT else frames
    padded = np.zeros(sound * HOP, np.float32)
    padded[: len(samples)] = samples
    of_sound: NDArray[np.float32] = model.feature_extractor(padded)[:, :sound]
    features = np.zeros((len(of_sound), frames), np.float32)
    features[:, : of_sound.shape[1]] = of_sound
    return features


def _encoded(model: WhisperModel, features: Sequence[NDArray[np.float32]]) -> list[StorageView]:
    """Encode windows of one length, shape (mels, frames) each, into (1, frames / 2, width) each.

    A GPU encodes all at once. On a CPU eight at once took 1.3 times as long as one at a time, and 560 MB
    instead of 140. Placing words is alike.
    """
    is_cpu = model.model.device == "cpu"
    batches = [each[np.newaxis] for each in features] if is_cpu else [np.stack(features)]
    return [model.model.encode(StorageView.from_array(batch)) for batch in batches]


def _joined(encoded: Sequence[StorageView]) -> StorageView:
    """Return encoded windows in one piece: the decoder is faster with several."""
    return encoded[0] if len(encoded) == 1 else StorageView.from_array(np.concatenate(encoded))


def _parted(attempts: Sequence[Attempt], parts: int) -> Iterator[Sequence[Attempt]]:
    """Yield the attempts of each part that was encoded at once."""
    size = len(attempts) // parts
    return (attempts[at : at + size] for at in range(0, len(attempts), size))


@lru_cache(maxsize=4)
def _tokenizer(of_model: Any, is_multilingual: bool, language: str) -> Tokenizer:
    """Return the tokenizer of a language, kept for the next recording: making it tries every token."""
    return Tokenizer(of_model, is_multilingual, task="transcribe", language=language)
