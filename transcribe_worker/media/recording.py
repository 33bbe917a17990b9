"""Any recording as 16 kHz mono, in a stream: PyAV decodes, numpy averages the channels, soxr resamples.

FFmpeg guesses a format from content and name, and some that it guesses (playlists, scripts) make it read
other files. So a table here decides what a file is, and FFmpeg sees that one file, through an object of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, NoReturn

import av
import numpy as np
import soxr
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from numpy.typing import NDArray

from shared.errors import DamagedHeader, EmptyRecording, NoAudio, NotARecording
from transcribe_worker import memory
from transcribe_worker.media.formats import (
    CAF,
    MP3,
    WAV,
    Kind,
    begins_late,
    behind_tags,
    caf_is_cut_short,
    sniff,
)
from transcribe_worker.media.limits import Meter, RecordingLimits
from transcribe_worker.media.riff import WavLayout, read_layout
from transcribe_worker.media.source import Source, clean_header

SAMPLE_RATE_HZ = 16_000
BLOCK_SECONDS = 0.5
PLAUSIBLE_RATES_HZ = range(1_000, 768_001)
MAX_READ_FAILURES = 100
#: Encoders and edit lists are that inexact about the end, in seconds.
INEXACT_SECONDS = 0.5
# A second lock: `io_open` already refuses to open anything but the object we pass.
CONTAINER_OPTIONS = {"protocol_whitelist": "none", "enable_drefs": "0", "use_absolute_path": "0"}
# Small packets by default; these take a quarter off the time for hours of PCM.
# FFmpeg looks whether AC-3 or DTS poses as PCM. The first packet tells; all of them take half of an opening.
WAV_OPTIONS = {"max_size": "65536", "max_probe_packets": "1"}

Mono = NDArray[np.float32]

# FFmpeg's name: numpy's, the value of silence, full scale.
SAMPLE_FORMATS = {
    "u8": (np.uint8, 128, 128),
    "s16": (np.int16, 0, 2**15),
    "s32": (np.int32, 0, 2**31),
    "s64": (np.int64, 0, 2**63),
    "flt": (np.float32, 0, 1),
    "dbl": (np.float64, 0, 1),
}


class Recording(AbstractContextManager["Recording"]):
    """An open recording; a context manager.

    `duration_seconds` is what the container says, None if it does not know. `flags` tells what was wrong:
    those of riff.WavLayout at once, "damaged_audio" as soon as something could not be decoded, "cut_short"
    at the end.
    """

    def __init__(
        self,
        name: str,
        file: BinaryIO,
        container: InputContainer,
        layout: WavLayout | None,
        kind: Kind,
        allowance: RecordingLimits,
    ) -> None:
        self.flags: tuple[str, ...] = layout.flags if layout else ()
        self._name, self._kind = name, kind
        self._file = file
        self._container = container
        self._stream = _audio_stream(container, name)
        self.duration_seconds = layout.duration_seconds if layout else _duration(container, self._stream)
        self._meter = Meter(name, allowance, SAMPLE_RATE_HZ)
        self._reached_seconds = 0.0

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._container.close()
        self._file.close()

    def blocks(self) -> Iterator[Mono]:
        """The audio, once, in blocks of about half a second: shape (frames,), 16 kHz mono, in [-1, 1].

        Raises TooLong and TooSlow on the way, NoAudio or NotARecording at the end if nothing at all could
        be decoded.
        """
        nothing = True
        decoded = _resampled((_mono(frame), frame.sample_rate) for frame in self._frames())
        for block in self._meter.measured(decoded, len):
            nothing = False
            yield block
        if nothing:
            raise self._why_nothing()
        self._note_missing_end()

    def _frames(self) -> Iterator[AudioFrame]:
        for _ in range(MAX_READ_FAILURES):
            try:
                for packet in self._container.demux(self._stream):
                    self._meter.look()
                    for frame in self._decode(packet):
                        self._note_place(frame)
                        yield frame
                return
            except av.FFmpegError as error:
                _check_memory(error)
                # The demuxer goes on behind the place it could not read; it may have stopped for good.
                self.note_damage()

    def _decode(self, packet: Packet[AudioStream]) -> list[AudioFrame]:
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            _check_memory(error)
            self.note_damage()
            return []
        sound = [frame for frame in frames if frame.samples and frame.sample_rate in PLAUSIBLE_RATES_HZ]
        if len(sound) < len(frames) or any(frame.is_corrupt for frame in sound):
            self.note_damage()
        return sound

    def _note_place(self, frame: AudioFrame) -> None:
        end = (frame.time or 0.0) + frame.samples / frame.sample_rate
        self._reached_seconds = max(self._reached_seconds, end)

    def _note_missing_end(self) -> None:
        """Compare the end with the one that the header states, by time: a pause may hold no audio at all."""
        stated = _stated_end(self._kind, self._container, self._stream)
        if stated and stated - self._reached_seconds > INEXACT_SECONDS and not self.flags:
            self.flags = ("cut_short",)

    def note_damage(self) -> None:
        """Note that something is missing."""
        if "damaged_audio" not in self.flags:
            self.flags += ("damaged_audio",)

    def _why_nothing(self) -> NoAudio | NotARecording:
        if "damaged_audio" in self.flags:
            return NotARecording(
                f"Nothing in {self._name} could be decoded: it is damaged or something else."
            )
        return NoAudio(f"{self._name} has a header, but no audio behind it.")


ORDINARY = RecordingLimits()


def open_recording(path: Path, allowance: RecordingLimits = ORDINARY) -> Recording:
    """Open a recording of any kind in READABLE.

    Raises EmptyRecording, NoAudio, DamagedHeader, NotARecording, TooLarge or TooLong, and OSError as the
    system gives it.
    """
    file = path.open("rb")
    try:
        return _open(file, path.name, allowance)
    except BaseException:
        file.close()
        raise


def _open(file: BinaryIO, name: str, allowance: RecordingLimits) -> Recording:
    size_bytes = file.seek(0, 2)
    allowance.check_size(name, size_bytes)
    if size_bytes == 0:
        raise EmptyRecording(f"{name} is empty (0 bytes).")
    layout = read_layout(file, size_bytes)
    if layout:
        audio = (layout.data_offset, layout.data_bytes)
        source = Source(file, *audio, header=clean_header(layout), width=layout.swapped_bytes)
        allowance.check_claim(name, layout.duration_seconds, layout.data_bytes)
        return _decoder(WAV, source, name, allowance, layout)
    start = behind_tags(file)
    if start >= size_bytes:
        raise NoAudio(f"{name} holds a tag (title, artist), but no audio.")
    kind = sniff(file, start, name)
    recording = _decoder(kind, Source(file, start, size_bytes - start), name, allowance)
    if kind is MP3 and start and begins_late(file, start):
        recording.note_damage()
    if kind is CAF and caf_is_cut_short(file, start, size_bytes):
        recording.flags += ("cut_short",)
    allowance.check_claim(name, recording.duration_seconds, size_bytes - start)
    return recording


def _decoder(
    kind: Kind, source: Source, name: str, allowance: RecordingLimits, layout: WavLayout | None = None
) -> Recording:
    options = CONTAINER_OPTIONS | (WAV_OPTIONS if kind is WAV else {})
    try:
        container = av.open(
            source,
            mode="r",
            format=kind.demuxer,
            container_options=options,
            metadata_errors="replace",
            io_open=_refuse_other_files,
        )
        return Recording(name, source.file, container, layout, kind, allowance)
    except av.FFmpegError as error:
        _check_memory(error)
        raise DamagedHeader(f"{name} begins like {kind.name}, but its header is damaged.") from error


def _check_memory(error: av.FFmpegError) -> None:
    """Let an error pass that is this process's lack of memory and not the recording's fault."""
    if isinstance(error, MemoryError) and memory.is_short():
        raise error


def _refuse_other_files(url: str, *_: object) -> NoReturn:
    raise NotARecording(f"The file refers to another ({url}) instead of holding the audio itself.")


def _audio_stream(container: InputContainer, name: str) -> AudioStream:
    stream = container.streams.best("audio")
    if not isinstance(stream, AudioStream):
        raise NoAudio(f"{name} has no audio track.")
    if stream.codec_context is None:
        raise NotARecording(f"The audio of {name} is compressed in a way that offhook cannot decode.")
    rate = stream.codec_context.sample_rate
    # 0: not known before the first frame.
    if rate and rate not in PLAUSIBLE_RATES_HZ:
        raise DamagedHeader(f"The header of {name} is damaged: it says {rate:,} samples a second.")
    return stream


def _duration(container: InputContainer, stream: AudioStream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _stated_end(kind: Kind, container: InputContainer, stream: AudioStream) -> float | None:
    """Where the header says that the audio ends, in seconds; None if it says so roughly, or of a video."""
    if not kind.states_length or not (stream.duration or len(container.streams) == 1):
        return None
    length = _duration(container, stream)
    starts = float((stream.start_time or 0) * stream.time_base) if stream.time_base else 0.0
    return length and length + starts


def _mono(frame: AudioFrame) -> Mono:
    """The mean of all channels, float32 in [-1, 1], shape (frames,)."""
    channels = frame.layout.nb_channels
    dtype, zero, full_scale = SAMPLE_FORMATS[frame.format.name.removesuffix("p")]
    # Only that many planes: where there are eight, PyAV 18 counts a ninth, in memory that is not there.
    planes = frame.planes[: channels if frame.format.is_planar else 1]
    frames = np.stack(
        [np.frombuffer(memoryview(plane), dtype, frame.samples * channels // len(planes)) for plane in planes]
    )
    samples = frames if frame.format.is_planar else frames.reshape(-1, channels).T
    if samples.dtype.kind == "f":
        # Before anything else: one NaN would spread over the whole length of the resampling filter.
        samples = np.nan_to_num(samples, nan=0, posinf=0, neginf=0).clip(-1, 1)
    scaled = (samples.astype(np.float32) - np.float32(zero)) / np.float32(full_scale)
    mono: Mono = scaled.mean(axis=0, dtype=np.float32)
    return mono


def _resampled(pieces: Iterator[tuple[Mono, int]]) -> Iterator[Mono]:
    """Mono audio at 16 kHz in blocks, from pieces with their sample rates, which may change on the way."""
    for rate_hz, run in groupby(pieces, key=itemgetter(1)):
        stream = None if rate_hz == SAMPLE_RATE_HZ else soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1)
        for samples, last in _gathered((samples for samples, _ in run), round(rate_hz * BLOCK_SECONDS)):
            block = samples if stream is None else stream.resample_chunk(samples, last).clip(-1, 1)
            if block.size:
                yield block


def _gathered(pieces: Iterator[Mono], at_least: int) -> Iterator[tuple[Mono, bool]]:
    """The pieces joined into longer ones, the last of them marked."""
    waiting: list[Mono] = []
    frames = 0
    for piece in pieces:
        waiting.append(piece)
        frames += len(piece)
        if frames >= at_least:
            yield np.concatenate(waiting), False
            waiting, frames = [], 0
    yield np.concatenate([*waiting, np.empty(0, np.float32)]), True
