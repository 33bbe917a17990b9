"""Recordings whose sound is known: two tones, in whatever a WAV may hold and PyAV can encode."""

from __future__ import annotations

import io
import struct

import av
import numpy as np
from numpy.typing import NDArray

from transcribe_worker.media.riff_chunks import W64_RIFF, W64_WAVE

TONES_HZ = (440, 997)
PCM, FLOAT, A_LAW, MU_LAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
GUID_TAIL = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
Signal = NDArray[np.float64]


def tones(rate: int, seconds: float = 1.0) -> Signal:
    """The two tones, each at 0.3 of full scale, shape (frames,)."""
    t = np.arange(round(rate * seconds)) / rate
    return sum((0.3 * np.sin(2 * np.pi * hz * t) for hz in TONES_HZ), np.zeros(len(t)))


def pcm(signal: Signal, bits: int = 16, order: str = "<") -> bytes:
    """Samples in [-1, 1] as integers of so many bits."""
    if bits == 8:
        return (np.round(signal * 127) + 128).astype(np.uint8).tobytes()
    if bits == 24:
        wide = np.round(signal * (2**23 - 1)).astype(order + "i4").view(np.uint8).reshape(-1, 4)
        return (wide[:, :3] if order == "<" else wide[:, 1:]).tobytes()
    return np.round(signal * (2 ** (bits - 1) - 1)).astype(f"{order}i{bits // 8}").tobytes()


def fmt(tag: int = PCM, channels: int = 1, rate: int = 16_000, bits: int = 16, order: str = "<") -> bytes:
    """The fmt chunk of a WAV."""
    block = channels * bits // 8
    return struct.pack(order + "HHIIHH", tag, channels, rate, rate * block, block, bits)


def extensible(tag: int, channels: int, rate: int, bits: int, order: str = "<") -> bytes:
    """The fmt chunk of a WAV as WAVEFORMATEXTENSIBLE."""
    head = fmt(EXTENSIBLE, channels, rate, bits, order)
    guid = struct.pack(order + "IHH", tag, 0, 0x10) + bytes.fromhex("800000aa00389b71")
    return head + struct.pack(order + "HHI", 22, bits, (1 << channels) - 1) + guid


def chunk(name: bytes, payload: bytes, size: int | None = None, order: str = "<") -> bytes:
    """A chunk of a WAV, which may state another size than it has."""
    stated = len(payload) if size is None else size
    return name + struct.pack(order + "I", stated) + payload + b"\0" * (len(payload) % 2)


def wav(form: bytes, audio: bytes, size: int | None = None, tail: bytes = b"", order: str = "<") -> bytes:
    """A WAV, whose audio may state another size than it has."""
    body = b"WAVE" + chunk(b"fmt ", form, order=order) + chunk(b"data", audio, size, order) + tail
    return (b"RIFF" if order == "<" else b"RIFX") + struct.pack(order + "I", len(body)) + body


def rf64(form: bytes, audio: bytes, size: int | None = None) -> bytes:
    """A WAV for more than 4 GiB, whose audio may state another size than it has."""
    stated = len(audio) if size is None else size
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 56 + len(form) + stated, stated, 0, 0))
    return b"RF64\xff\xff\xff\xffWAVE" + ds64 + chunk(b"fmt ", form) + chunk(b"data", audio, 0xFFFFFFFF)


def w64(form: bytes, audio: bytes) -> bytes:
    """A WAV in Sony's form; of `form` and `audio`, each fills up 8 bytes."""
    body = b"fmt " + GUID_TAIL + struct.pack("<Q", 24 + len(form)) + form
    body += b"data" + GUID_TAIL + struct.pack("<Q", 24 + len(audio)) + audio
    return W64_RIFF + struct.pack("<Q", 40 + len(body)) + W64_WAVE + body


def encoded(
    container: str,
    codec: str,
    rate: int,
    layout: str = "mono",
    seconds: float = 1.0,
    sound: Signal | None = None,
) -> bytes:
    """A sound (the two tones), the same in every channel, as an encoder in PyAV's wheel writes it."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, layout=layout)
        stream.codec_context.options = {"strict": "experimental"}
        stream.codec_context.bit_rate = 12_200 if "amr" in codec else 64_000 * stream.codec_context.channels
        heard = tones(rate, seconds) if sound is None else sound
        signal = np.repeat(heard.astype(np.float32), stream.codec_context.channels)
        interleaved = signal[np.newaxis]
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=layout)
        frame.sample_rate = rate
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def video(container: str, *, with_sound: bool, picture_seconds: int = 1) -> bytes:
    """A picture for some seconds, with a second of the two tones or without any sound."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        picture = output.add_stream("mpeg4", rate=25)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuv420p"
        sound = output.add_stream("aac", rate=44_100, layout="mono") if with_sound else None
        for _ in range(25 * picture_seconds):
            output.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
        output.mux(picture.encode(None))
        if sound:
            samples = tones(44_100).astype(np.float32)[np.newaxis]
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate = 44_100
            output.mux(sound.encode(frame))
            output.mux(sound.encode(None))
    return file.getvalue()


def id3(payload: bytes) -> bytes:
    """An ID3v2.4 tag; 7 bits of its size stand in each byte."""
    size = bytes(len(payload) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\4\0\0" + size + payload
