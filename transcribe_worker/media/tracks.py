"""Decodes one audio track of a container to 16 kHz, at the times that the container states."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard

from shared.errors import DamagedHeader, NoAudio, NotARecording
from transcribe_worker import memory
from transcribe_worker.media.downmix import Mono, downmixed
from transcribe_worker.media.flags import DAMAGED_AUDIO, TRACK_LEFT_OUT, Flags
from transcribe_worker.media.formats import Kind
from transcribe_worker.media.placing import LONGEST_GAP_SECONDS, Piece, Timeline, placed
from transcribe_worker.media.resampling import resampled, resampled_pairs
from transcribe_worker.media.samples import (
    LOSSY_OVERSHOOT,
    Channels,
    Chunk,
    chunks,
    levelled,
    read_samples,
)

PLAUSIBLE_RATES_HZ = range(1_000, 768_001)
MAX_READ_FAILURES = 100
MAX_TRACKS = 16


class Track:
    """An audio track with its own container, so that tracks can be read in parallel."""

    def __init__(
        self, container: InputContainer, number: int, kind: Kind, flags: Flags, look: Callable[[], None]
    ) -> None:
        self.container, self._kind, self._flags, self._look = container, kind, flags, look
        self._stream = container.streams.audio[number]
        for stream in container.streams:
            if stream.index != self._stream.index:
                stream.discard = Discard.all
        self._origin_seconds = origin(container, kind)
        self._timeline = Timeline(flags, self._origin_seconds, is_gapless=kind.stamps == "counted")

    @property
    def channels(self) -> int:
        """The number of channels by the header."""
        return self._stream.codec_context.layout.nb_channels

    @property
    def end_seconds(self) -> float | None:
        """The end of the track by the header, None if it states none."""
        stream, whole = self._stream, self.container.duration
        if not (stream.duration and stream.time_base):
            return whole / av.time_base - max(self._origin_seconds or 0.0, 0.0) if whole else None
        has_place = self._kind.stamps and self._origin_seconds is not None
        starts = (stream.start_time or 0) * stream.time_base if has_place else 0
        return float(stream.duration * stream.time_base + starts) - (self._origin_seconds or 0.0)

    @property
    def stated_end_seconds(self) -> float | None:
        """The same; also None if the header states it inexactly, or only for a video."""
        is_exact = self._kind.states_length and (self._stream.duration or len(self.container.streams) == 1)
        return self.end_seconds if is_exact else None

    @property
    def reached_seconds(self) -> float:
        """The end of the sound decoded so far."""
        return self._timeline.position_seconds

    def blocks(self) -> Iterator[Mono]:
        """Yield the track's sound, once, in blocks of about 0.5 s at 16 kHz; there may be none."""
        return resampled(downmixed(self._sound(), self._flags))

    def pairs(self) -> Iterator[Channels]:
        """Yield the same as two channels, shape (2, frames)."""
        return resampled_pairs(self._sound())

    def close(self) -> None:
        self.container.close()

    def _sound(self) -> Iterator[Chunk]:
        overshoot = 1.0 if self._stream.codec_context.name.startswith("pcm_") else LOSSY_OVERSHOOT
        return levelled(chunks(placed(self._pieces(), self._timeline)), self._flags, overshoot)

    def _pieces(self) -> Iterator[Piece]:
        for frame in self._frames():
            stamp = frame.time if self._kind.stamps else None
            yield Piece(read_samples(frame), frame.sample_rate, stamp)

    def _frames(self) -> Iterator[AudioFrame]:
        for _ in range(MAX_READ_FAILURES):
            try:
                for packet in self.container.demux(self._stream):
                    self._look()
                    yield from self._decode(packet)
                return
            except av.FFmpegError as error:
                check_memory(error)
                # The demuxer may continue after the unreadable place, or fail again for good.
                self._flags.note(DAMAGED_AUDIO)

    def _decode(self, packet: Packet[AudioStream]) -> list[AudioFrame]:
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            check_memory(error)
            self._flags.note(DAMAGED_AUDIO)
            return []
        sound = [frame for frame in frames if frame.samples and frame.sample_rate in PLAUSIBLE_RATES_HZ]
        if len(sound) < len(frames) or any(frame.is_corrupt for frame in sound):
            self._flags.note(DAMAGED_AUDIO)
        return sound


def decodable_tracks(container: InputContainer, name: str, flags: Flags) -> list[int]:
    """Return the numbers of the decodable audio tracks, 16 at most.

    If there is none, raises NoAudio, or NotARecording or DamagedHeader for the first track.
    """
    tracks = container.streams.audio
    if not tracks:
        raise NoAudio(f"{name} has no audio track.")
    faults = [_fault(track, name) for track in tracks]
    usable = [number for number, fault in enumerate(faults) if fault is None]
    for fault in faults if not usable else ():
        assert fault
        raise fault
    if len(usable[:MAX_TRACKS]) < len(tracks):
        flags.note(TRACK_LEFT_OUT)
    return usable[:MAX_TRACKS]


def _fault(stream: AudioStream, name: str) -> NotARecording | DamagedHeader | None:
    if stream.codec_context is None:
        return NotARecording(f"The audio of {name} is compressed in a way that offhook cannot decode.")
    rate = stream.codec_context.sample_rate
    # 0: unknown before the first frame.
    if rate and rate not in PLAUSIBLE_RATES_HZ:
        return DamagedHeader(f"The header of {name} is damaged: it states {rate:,} samples a second.")
    return None


def origin(container: InputContainer, kind: Kind) -> float | None:
    """Return the stamp, in seconds, of the recording's beginning; None for the first sample's.

    It is 0 unless a track begins earlier, or all begin implausibly late. Tracks with a shared clock, which
    may have started long before, begin with the earliest of them.
    """
    if kind.stamps == "relative":
        return None
    starts = [
        float(stream.start_time * stream.time_base)
        for stream in container.streams
        if stream.type in ("audio", "video") and stream.start_time is not None and stream.time_base
    ]
    earliest = min(starts, default=0.0)
    if kind.stamps == "shared":
        return earliest
    return earliest if earliest > LONGEST_GAP_SECONDS else min(earliest, 0.0)


def check_memory(error: av.FFmpegError) -> None:
    """Raise the error again if this process is out of memory, which is not the recording's fault."""
    if isinstance(error, MemoryError) and memory.is_short():
        raise error
