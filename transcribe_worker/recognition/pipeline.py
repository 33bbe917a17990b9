"""From samples to words: stretches of a recording and their windows, several decoded at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from shared.settings import RecordOptions
from shared.words import LANGUAGE_CHANGES, PROMPT_CUT, Segment
from transcribe_worker.recognition.ahead import in_order
from transcribe_worker.recognition.batches import Batches
from transcribe_worker.recognition.decoder import CurrentModel, Decoder, Request
from transcribe_worker.recognition.early import EarlyWindows
from transcribe_worker.recognition.languages import Language, Probabilities, Vote, places
from transcribe_worker.recognition.presets import PROVISIONAL, Preset, chosen
from transcribe_worker.speech.detection import Heard, Samples, all_of_it, detect_speech
from transcribe_worker.speech.stretches import Cut, Detect, Stretch, Window, cut, stretches
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

#: Speech that is decoded before the speed is known.
SHORTEST_FOR_SPEED_SECONDS = 30.0


@dataclass(frozen=True)
class Stream:
    """Samples to decode: `blocks` begin at sample `start`, and windows that end by `done` are left out.

    `channel` is that of the recording; None if it has one, or they are mixed.
    """

    blocks: Iterable[Samples]
    start: int = 0
    done: int = 0
    channel: int | None = None


@dataclass(frozen=True)
class Recognized:
    """A decoded stretch of a channel; `segments` are those of each of its windows."""

    stretch: Stretch
    language: Language | None  # None while nobody has spoken
    segments: Sequence[tuple[Segment, ...]]
    channel: int | None = None


class _Found(NamedTuple):
    """A stretch of a channel, before it is decoded."""

    stretch: Stretch
    channel: int | None


class _Check:
    """Calls `check`, and adds up how long it waits, as while the machine has no time for the recording."""

    def __init__(self, check: Callable[[], None], monotonic: Callable[[], float]) -> None:
        self._check, self._monotonic = check, monotonic
        self.waited_seconds = 0.0

    def __call__(self) -> None:
        began = self._monotonic()
        self._check()
        self.waited_seconds += self._monotonic() - began


def _nothing(stretch: Stretch) -> None:
    """Pass a stretch by."""


class Recognition:
    """Finds the words of one recording.

    `current_model` is asked for the model before each batch, so a model may be replaced meanwhile. `check` is
    called between the steps and ends the recognition by raising. `language` is what an earlier attempt has
    found. `hear` gets each stretch of a recording with one channel, in order, also what is decoded already.
    `parallel` stretches are decoded at once; with 0 each is decoded before the next is read.
    """

    def __init__(
        self,
        current_model: CurrentModel,
        options: RecordOptions,
        *,
        parallel: int,
        batches: Batches,
        check: Callable[[], None],
        language: Language | None = None,
        hear: Callable[[Stretch], None] = _nothing,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hear_voices, self._monotonic = hear, monotonic
        self._current_model, self._options, self._check = current_model, options, _Check(check, monotonic)
        self._parallel, self._batches = parallel, batches
        self._preset = preset = chosen(options)
        self._find = detect_speech if options.vad else all_of_it
        self._sizes = {
            "longest": round(preset.longest_seconds * SAMPLE_RATE_HZ),
            "largest_gap": round(preset.largest_gap_seconds * SAMPLE_RATE_HZ),
        }
        self._decoder: Decoder | None = None
        self._provisional: Decoder | None = None
        self._early = EarlyWindows()
        self.speech_seconds = 0.0  # that speech detection has taken
        self._decoded_seconds = self._decoding_seconds = 0.0
        self.language = language or _given(options, is_multilingual=current_model().model.is_multilingual)

    @property
    def flags(self) -> tuple[str, ...]:
        """What is to be said of the words found so far."""
        if self._decoder is None:
            return ()
        notes = {
            PROMPT_CUT: self._decoder.prompt_is_cut,
            LANGUAGE_CHANGES: self._decoder.language_changes,
        }
        return tuple(flag for flag, is_noted in notes.items() if is_noted)

    @property
    def speed(self) -> float | None:
        """Seconds of speech decoded in a second, one stretch at a time; None before that is known."""
        if self._decoded_seconds < SHORTEST_FOR_SPEED_SECONDS:
            return None
        return round(self._decoded_seconds / max(self._decoding_seconds, 1e-3), 2)

    def find_language(self, blocks: Iterable[Samples]) -> None:
        """Find the language from several places of a recording; none is found where nobody speaks in them."""
        self.language = self._voted(places(blocks))

    def stretches(self, blocks: Iterable[Samples], *, start: int, done: int) -> Iterator[Recognized]:
        """Decode `blocks`, whose first sample is number `start`; leave out windows that end by `done`."""
        return self.together([Stream(blocks, start, done)])

    def together(self, streams: Sequence[Stream]) -> Iterator[Recognized]:
        """Decode the channels of a recording; stretches come in the order of their starts."""
        found = _by_start([self._found(stream) for stream in streams], [stream.start for stream in streams])
        for (stretch, channel), segments in in_order(
            self._prepared(found), self._decode, parallel=self._parallel
        ):
            self._check()
            yield Recognized(stretch, self.language, segments, channel)

    def hear_again(self, blocks: Iterable[Samples], end: int) -> None:
        """Pass the stretches before sample `end`, where an earlier attempt stopped, to `hear`."""
        for stretch in self._cut(Stream(blocks)):
            self._check()
            self._hear_voices(stretch)
            if stretch.end >= end:
                break

    def cut(self, samples: Samples, start: int) -> Cut:
        """Cut the beginning of a stretch, at sample `start`, into windows as the whole will be cut."""
        return cut(samples, start, self._timed(self._find, samples), is_last=False, **self._sizes)

    def decode_early(self, window: Window, channel: int | None) -> tuple[Segment, ...]:
        """Decode a window once, before its stretch is whole; a stretch with that window takes the text."""
        known = self._early.find(channel, window)
        if known is None:
            (known,) = self._measured(self._decoder_for(window), [window])
            self._early.keep(channel, window, known)
        return known

    def hears(self, samples: Samples) -> bool:
        """Whether there is anything to decode in samples."""
        heard = self._timed(self._find, samples)
        return bool(heard.speech or heard.loud)

    def decode_provisionally(self, window: Window) -> tuple[Segment, ...]:
        """Return a text of a window that is made at once and may be wrong."""
        if self._provisional is None:
            self._provisional = self._new_decoder(window.samples, PROVISIONAL)
        (text,) = self._provisional.decode([window])
        return text

    def _found(self, stream: Stream) -> Iterator[_Found]:
        """Yield the stretches of a channel, with what is to be decoded in them."""
        for stretch in self._cut(stream):
            if stream.channel is None:
                self._hear_voices(stretch)
            yield _Found(stretch.after(stream.done), stream.channel)

    def _cut(self, stream: Stream) -> Iterator[Stretch]:
        return stretches(stream.blocks, partial(self._timed, self._find), start=stream.start, **self._sizes)

    def _timed(self, detect: Detect, samples: Samples) -> Heard:
        began = self._monotonic()
        heard = detect(samples)
        self.speech_seconds += self._monotonic() - began
        return heard

    def _prepared(self, found: Iterable[_Found]) -> Iterator[_Found]:
        """Pass stretches on; find a language that is not known yet in the first that has a window."""
        for each in found:
            self._check()
            if each.stretch.windows:
                self._decoder_for(each.stretch.windows[0])
            yield each

    def _decoder_for(self, window: Window) -> Decoder:
        if self._decoder is None:
            self._decoder = self._new_decoder(window.samples, self._preset)
        return self._decoder

    def _new_decoder(self, samples: Samples, preset: Preset) -> Decoder:
        self.language = self.language or self._voted([samples])
        assert self.language
        request = Request(
            preset,
            self.language,
            self._options.word_timestamps,
            self._options.initial_prompt,
            self._options.hotwords,
        )
        return Decoder(self._current_model, request, self._batches, self._check)

    def _voted(self, speeches: Iterable[Samples]) -> Language | None:
        """Return the language of places of a recording, None if there are none."""
        vote = Vote()
        for speech in speeches:
            self._check()
            vote.add(self._hear(speech), len(speech) / SAMPLE_RATE_HZ)
            if vote.is_sure:
                break
        return vote.language

    def _hear(self, samples: Samples) -> Probabilities:
        """Return the probabilities of languages in 30 s of samples at most."""
        (heard,) = self._batches.run([samples], self._languages)
        return heard

    def _languages(self, samples: Sequence[Samples]) -> list[Probabilities]:
        model = self._current_model()
        return [dict(model.detect_language(some)[2]) for some in samples]

    def _decode(self, found: _Found) -> list[tuple[Segment, ...]]:
        known = self._early.taken(found.channel, found.stretch)
        others = [window for window in found.stretch.windows if window.start not in known]
        if self._decoder and others:
            decoded = self._measured(self._decoder, others)
            known |= dict(zip((window.start for window in others), decoded, strict=True))
        return [
            tuple(replace(it, channel=found.channel) for it in known[window.start])
            for window in found.stretch.windows
        ]

    def _measured(self, decoder: Decoder, windows: Sequence[Window]) -> list[tuple[Segment, ...]]:
        """Decode windows, and note how long that takes, without the time of waiting."""
        began = self._monotonic() - self._check.waited_seconds
        decoded = decoder.decode(windows)
        self._decoding_seconds += self._monotonic() - self._check.waited_seconds - began
        self._decoded_seconds += sum(len(window.samples) for window in windows) / SAMPLE_RATE_HZ
        return decoded


def _by_start(streams: Sequence[Iterator[_Found]], starts: Sequence[int]) -> Iterator[_Found]:
    """Yield the stretches of several channels by their starts; none is found before its turn.

    A stretch begins where the one before it ends, so its start is known.
    """
    following = dict(enumerate(starts))
    while following:
        number = min(following, key=following.__getitem__)
        found = next(streams[number], None)
        if found is None:
            del following[number]
        else:
            following[number] = found.stretch.end
            yield found


def _given(options: RecordOptions, *, is_multilingual: bool) -> Language | None:
    """Return the language that needs no listening: the only one of the model, or the chosen one."""
    if not is_multilingual:
        return Language("en")
    return None if options.language == "auto" else Language(options.language)
