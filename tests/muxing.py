"""Containers with tracks and time stamps of any kind, as a muxer in PyAV's wheel writes them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from tests.recordings import Signal

PACKET_SECONDS = 0.02
RATE_HZ = 16_000


class Sound(NamedTuple):
    """A stretch of sound, shape (frames,) at 16 kHz, and the stamp of its first sample."""

    stamp_seconds: float
    samples: Signal


def stamped(stretches: Iterable[Sound], container: str = "matroska") -> bytes:
    """A mono PCM track in packets of 20 ms, whose stamps need not be true."""
    return tracks([list(stretches)], container)


def tracks(sounds: Sequence[Sequence[Sound]], container: str = "matroska") -> bytes:
    """A PCM track for each list of sounds, interleaved by their stamps."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        streams = [output.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono") for _ in sounds]
        packets = []
        for stream, stretches in zip(streams, sounds, strict=True):
            for at, samples in _packets(stretches):
                packet = av.Packet(np.round(samples * 32_767).astype("<i2").tobytes())
                packet.stream, packet.time_base = stream, Fraction(1, RATE_HZ)
                packet.pts = packet.dts = round(at * RATE_HZ)
                packets.append((at, packet))
        for _, packet in sorted(packets, key=lambda each: each[0]) if len(sounds) > 1 else packets:
            output.mux(packet)
    return file.getvalue()


def _packets(stretches: Iterable[Sound]) -> Iterable[tuple[float, NDArray[np.float64]]]:
    step = round(PACKET_SECONDS * RATE_HZ)
    for stamp, samples in stretches:
        for at in range(0, len(samples), step):
            yield stamp + at / RATE_HZ, samples[at : at + step]
