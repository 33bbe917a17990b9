"""Streams any recording at 16 kHz, mixed to mono or as two channels: the MAIN PATH from a file to samples.

PyAV decodes each audio track (`tracks`). Time stamps place its samples (`placing`), its channels are mixed
(`downmix`) and resampled to 16 kHz (`resampling`), and the tracks are mixed (`mixing`). Two channels that are
two sides of a call are resampled without being mixed (`Recording.pairs`).

FFmpeg guesses a format from content and name, and some formats (playlists, scripts) make it read other files.
So the table in `formats` decides the format, and FFmpeg reads the one file through a `Source`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn, TypeVar, cast

import av
from av.container import InputContainer

from shared.errors import DamagedHeader, EmptyRecording, NoAudio, NotARecording, TooLong
from shared.files import NotRegular, open_regular
from transcribe_worker.media.boxes import check_claims
from transcribe_worker.media.downmix import Mono
from transcribe_worker.media.flags import CUT_SHORT, DAMAGED_AUDIO, RECORDINGS_JOINED, Flags
from transcribe_worker.media.formats import (
    CAF,
    MP3,
    WAV,
    Kind,
    caf_is_cut_short,
    sniff,
)
from transcribe_worker.media.joined import has_unnamed_rest, next_start
from transcribe_worker.media.limits import Meter, RecordingLimits
from transcribe_worker.media.mpeg_audio import begins_late
from transcribe_worker.media.part import Part
from transcribe_worker.media.resampling import SAMPLE_RATE_HZ
from transcribe_worker.media.riff import WavLayout, read_layout
from transcribe_worker.media.samples import Channels
from transcribe_worker.media.source import Source, clean_header
from transcribe_worker.media.tags import after_tags
from transcribe_worker.media.tracks import check_memory

__all__ = ("SAMPLE_RATE_HZ", "Mono", "Recording", "open_recording")

#: A block of one or two channels.
Block = TypeVar("Block", Mono, Channels)

MAX_PARTS = 100
# A second safeguard: `io_open` already refuses to open any other file.
CONTAINER_OPTIONS = {"protocol_whitelist": "none", "enable_drefs": "0", "use_absolute_path": "0"}
#: FFmpeg's packets are small by default; with these, hours of PCM take a quarter less time.
WAV_PACKET_BYTES = 2**16
# FFmpeg probes PCM for AC-3 or DTS. One packet is enough; probing more takes half the time of opening.
WAV_OPTIONS = {"max_size": str(WAV_PACKET_BYTES), "max_probe_packets": "1"}


class Recording(AbstractContextManager["Recording"]):
    """An open recording; a context manager.

    `duration_seconds` is the length that the container states, None if it states none. `flags` grows: faults
    of a header are in it at once, faults of the sound when they are found.
    """

    def __init__(
        self,
        name: str,
        file: BinaryIO,
        parts: Sequence[Part],
        duration_seconds: float | None,
        flags: Flags,
        meter: Meter,
    ) -> None:
        self.duration_seconds = duration_seconds
        self._name, self._file, self._parts, self._flags, self._meter = name, file, parts, flags, meter

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def flags(self) -> tuple[str, ...]:
        return self._flags()

    def close(self) -> None:
        for part in self._parts:
            part.close()
        self._file.close()

    def blocks(self) -> Iterator[Mono]:
        """Yield the audio, once, in blocks of about 0.5 s: shape (frames,), 16 kHz mono, in [-1, 1].

        Raises TooLong, TooSlow, and at the end NoAudio or NotARecording if nothing could be decoded.
        """
        decoded = chain.from_iterable(part.blocks() for part in self._parts)
        return some(self._meter.measured(decoded, len), self._why_nothing)

    @property
    def has_two_channels(self) -> bool:
        """Whether the whole recording is one track of two channels, by its header."""
        return all(part.has_two_channels for part in self._parts)

    def pairs(self) -> Iterator[Channels]:
        """Yield the two channels, once, in blocks of about 0.5 s: shape (2, frames), 16 kHz, in [-1, 1].

        Raises what `blocks` raises.
        """
        decoded = chain.from_iterable(part.pairs() for part in self._parts)
        return some(self._meter.measured(decoded, _frames), self._why_nothing)

    def _why_nothing(self) -> NoAudio | NotARecording:
        if DAMAGED_AUDIO in self._flags:
            return NotARecording(f"Nothing in {self._name} could be decoded: it is damaged, or no recording.")
        return NoAudio(f"{self._name} has a header, but no audio after it.")


def some(blocks: Iterator[Block], why_nothing: Callable[[], Exception]) -> Iterator[Block]:
    """Pass blocks on; raise if there are none."""
    nothing = True
    for block in blocks:
        nothing = False
        yield block
    if nothing:
        raise why_nothing()


def _frames(pair: Channels) -> int:
    return len(pair[0])


ORDINARY = RecordingLimits()


def open_recording(path: Path, limits: RecordingLimits = ORDINARY) -> Recording:
    """Open a recording of any kind in READABLE.

    Raises EmptyRecording, NoAudio, DamagedHeader, NotARecording, TooLarge, TooLong, OSError.
    """
    try:
        file = open_regular(path)
    except NotRegular as error:
        raise NotARecording(f"{path.name} is not a regular file. Put the recording itself there.") from error
    try:
        return _open(file, path.name, limits)
    except BaseException:
        file.close()
        raise


def _open(file: BinaryIO, name: str, limits: RecordingLimits) -> Recording:
    size_bytes = file.seek(0, 2)
    limits.check_size(name, size_bytes)
    if size_bytes == 0:
        raise EmptyRecording(f"{name} is empty (0 bytes).")
    flags, meter = Flags(), Meter(name, limits, SAMPLE_RATE_HZ)
    parts = _Opener(name, limits, flags, meter).parts(file, size_bytes)
    lengths = [each.seconds for each in parts]
    duration = None if None in lengths else sum(filter(None, lengths))
    return Recording(name, file, [each.part for each in parts], duration, flags, meter)


class _Opened(NamedTuple):
    """A part of a file, its length if the header states it, and the offset of the next part, if any."""

    part: Part
    seconds: float | None
    next_start: int | None


@dataclass(frozen=True)
class _Opener:
    """Opens the parts of a file: one, or several if recordings were joined end to end."""

    name: str
    limits: RecordingLimits
    flags: Flags
    meter: Meter

    def parts(self, file: BinaryIO, size_bytes: int) -> list[_Opened]:
        """Open all parts, up to one after the first that cannot be opened, which is flagged as damage."""
        opened = [self._part(file, size_bytes)]
        at = 0
        try:
            while (step := opened[-1].next_start) is not None:
                at += step
                self.flags.note(RECORDINGS_JOINED)
                view = cast("BinaryIO", Source(file, at, size_bytes - at))
                if len(opened) == MAX_PARTS:
                    raise DamagedHeader
                opened.append(self._part(view, size_bytes - at))
        except (NoAudio, DamagedHeader, NotARecording):
            self.flags.note(DAMAGED_AUDIO)
        except BaseException:
            for each in opened:
                each.part.close()
            raise
        return opened

    def _part(self, file: BinaryIO, size_bytes: int) -> _Opened:
        """Open the part that begins at offset 0."""
        layout = read_layout(file, size_bytes)
        return self._wav(file, layout) if layout else self._other(file, size_bytes)

    def _wav(self, file: BinaryIO, layout: WavLayout) -> _Opened:
        for flag in layout.flags:
            self.flags.note(flag)
        self.limits.check_claim(self.name, layout.duration_seconds, layout.data_bytes)
        audio = partial(Source, file, layout.data_offset, layout.data_bytes)
        source = partial(audio, header=clean_header(layout), width=layout.swapped_bytes)
        return _Opened(self._decoded(WAV, source), layout.duration_seconds, layout.next_offset)

    def _other(self, file: BinaryIO, size_bytes: int) -> _Opened:
        start = after_tags(file)
        if start >= size_bytes:
            raise NoAudio(f"{self.name} has a tag (title, artist), but no audio.")
        kind = sniff(file, start, self.name)
        if kind.demuxer == "mov":
            check_claims(file, start, size_bytes, self.name)
        following = next_start(kind.demuxer or "", file, start, size_bytes)
        end = following or size_bytes
        part = self._decoded(kind, partial(Source, file, start, end - start))
        if kind is MP3 and start and begins_late(file, start):
            self.flags.note(DAMAGED_AUDIO)
        if kind is CAF and caf_is_cut_short(file, start, end):
            self.flags.note(CUT_SHORT)
        if kind is CAF and has_unnamed_rest("caf", file, start, end):
            self.flags.note(DAMAGED_AUDIO)
        try:
            self.limits.check_claim(self.name, part.end_seconds, end - start)
        except TooLong:
            if part.reaches(self.limits.longest_seconds):
                part.close()
                raise
        return _Opened(part, part.end_seconds, following)

    def _decoded(self, kind: Kind, source: Callable[[], Source]) -> Part:
        try:
            return Part(self.name, kind, lambda: _container(kind, source()), self.flags, self.meter.look)
        except av.FFmpegError as error:
            check_memory(error)
            raise DamagedHeader(f"{self.name} begins like {kind.name}, but its header is damaged.") from error


def _container(kind: Kind, source: Source) -> InputContainer:
    return av.open(
        source,
        mode="r",
        format=kind.demuxer,
        container_options=CONTAINER_OPTIONS | (WAV_OPTIONS if kind is WAV else {}),
        metadata_errors="replace",
        io_open=_refuse_other_files,
    )


def _refuse_other_files(url: str, *_: object) -> NoReturn:
    raise NotARecording(f"The file refers to another file ({url}) and has no audio of its own.")
