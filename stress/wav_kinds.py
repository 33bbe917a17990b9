"""Hand-made kinds of bad WAVs: samples, dialects, sizes, headers, and chunks around the audio."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from stress.cases import Case, either, heard, refused
from tests.recordings import (
    A_LAW,
    FLOAT,
    GUID_TAIL,
    MU_LAW,
    PCM,
    chunk,
    extensible,
    fmt,
    id3,
    pcm,
    tones,
    wav,
)
from transcribe_worker.media.riff_chunks import W64_RIFF, W64_WAVE

SECONDS = 2.0
RATE_HZ = 16_000
AUDIO = pcm(tones(RATE_HZ, SECONDS))
PLAIN = wav(fmt(), AUDIO)
RIGHT = heard(SECONDS)
UNKNOWN = 0xFFFFFFFF
MISSING, STALE, CUT = "header_size_missing", "header_size_stale", "cut_short"


def samples() -> Iterator[Case]:
    """The sample formats of a WAV."""
    for bits in (8, 16, 24, 32):
        yield Case(f"wav {bits} bit", wav(fmt(bits=bits), pcm(tones(RATE_HZ, SECONDS), bits)), RIGHT)
        form = extensible(PCM, 1, RATE_HZ, bits)
        yield Case(f"wav extensible {bits} bit", wav(form, pcm(tones(RATE_HZ, SECONDS), bits)), RIGHT)
    for rate in (8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000):
        yield Case(f"wav {rate} Hz", wav(fmt(rate=rate), pcm(tones(rate, SECONDS))), RIGHT)
    for channels in (2, 6, 8, 16):
        audio = pcm(np.repeat(tones(RATE_HZ, SECONDS), channels))
        yield Case(f"wav {channels} channels", wav(fmt(channels=channels), audio), RIGHT)
    six = pcm(np.repeat(tones(RATE_HZ, SECONDS), 6))
    yield Case("wav extensible 6 channels", wav(extensible(PCM, 6, RATE_HZ, 16), six), RIGHT)
    for bits in (32, 64):
        samples = tones(RATE_HZ, SECONDS).astype(f"<f{bits // 8}")
        yield Case(f"wav float {bits}", wav(fmt(FLOAT, bits=bits), samples.tobytes()), RIGHT)
        samples[::1_000] = np.nan
        samples[1::1_000] = np.inf
        samples[2::1_000] = -np.inf
        yield Case(f"wav float {bits} with NaN and Inf", wav(fmt(FLOAT, bits=bits), samples.tobytes()), RIGHT)
        loud = (tones(RATE_HZ, SECONDS) * 32_768).astype(f"<f{bits // 8}").tobytes()
        scaled = heard(SECONDS, "scaled_down")
        yield Case(f"wav float {bits} in the range of integers", wav(fmt(FLOAT, bits=bits), loud), scaled)
    for channels in (2, 4, 6):
        signs = np.where(np.arange(channels) % 2, -1, 1)
        audio = pcm(np.outer(tones(RATE_HZ, SECONDS), signs).ravel())
        opposed = heard(SECONDS, "channels_opposed")
        yield Case(f"wav {channels} channels of opposite phase", wav(fmt(channels=channels), audio), opposed)
    nothing = np.full(32_000, np.nan, "<f4").tobytes()
    yield Case("wav float all NaN", wav(fmt(FLOAT, bits=32), nothing), heard(SECONDS, tones=False))
    yield Case(
        "wav float far too loud",
        wav(fmt(FLOAT, bits=32), (tones(RATE_HZ, 2) * 1e30).astype("<f4").tobytes()),
        heard(SECONDS, "scaled_down"),
    )
    for name, tag in (("mu-law", MU_LAW), ("a-law", A_LAW)):
        silence = wav(fmt(tag, bits=8), bytes([0xFF if tag == MU_LAW else 0xD5]) * 32_000)
        yield Case(f"wav {name} silence", silence, heard(SECONDS, tones=False))


def dialects() -> Iterator[Case]:
    """The dialects of WAV."""
    size = len(AUDIO)
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 72 + size, size, 0, 0))
    rest = chunk(b"fmt ", fmt()) + chunk(b"data", AUDIO, UNKNOWN)
    yield Case("rf64", b"RF64\xff\xff\xff\xffWAVE" + ds64 + rest, RIGHT)
    yield Case("bw64", b"BW64\xff\xff\xff\xffWAVE" + ds64 + rest, RIGHT)
    empty = chunk(b"ds64", bytes(28))
    yield Case("rf64 without sizes", b"RF64\xff\xff\xff\xffWAVE" + empty + rest, heard(SECONDS, MISSING))
    yield Case("rf64 without ds64", b"RF64\xff\xff\xff\xffWAVE" + rest, heard(SECONDS, MISSING))
    large = chunk(b"ds64", struct.pack("<QQQI", 2**62, 2**62, 2**62, 0))
    yield Case("rf64 of exabytes", b"RF64\xff\xff\xff\xffWAVE" + large + rest, heard(SECONDS, CUT))
    for bits in (8, 16, 24, 32):
        audio = pcm(tones(RATE_HZ, SECONDS), bits, ">")
        yield Case(f"rifx {bits} bit", wav(fmt(bits=bits, order=">"), audio, order=">"), RIGHT)
    floats = tones(RATE_HZ, SECONDS).astype(">f4").tobytes()
    yield Case("rifx float", wav(fmt(FLOAT, bits=32, order=">"), floats, order=">"), RIGHT)
    for name, stated, truth in (
        ("w64", 24 + size, RIGHT),
        ("w64 size 0", 0, heard(SECONDS, MISSING)),
        ("w64 larger", 2**40, heard(SECONDS, CUT)),
    ):
        body = b"fmt " + GUID_TAIL + struct.pack("<Q", 40) + fmt()
        body += b"data" + GUID_TAIL + struct.pack("<Q", stated) + AUDIO
        yield Case(name, W64_RIFF + struct.pack("<Q", 40 + len(body)) + W64_WAVE + body, truth)


def sizes() -> Iterator[Case]:
    """Sizes as a killed recorder, a full disk or a broken copy leave them."""
    for name, size, flag in (
        ("0", 0, MISSING),
        ("0xFFFFFFFF", UNKNOWN, MISSING),
        ("stale", 16_000, STALE),
        ("of one sample", 2, STALE),
        ("odd", 16_001, STALE),
        ("larger", 10**6, CUT),
        ("largest signed", 0x7FFFFFFF, CUT),
        ("smallest signed", 0x80000000, CUT),
    ):
        yield Case(f"wav data size {name}", wav(fmt(), AUDIO, size), heard(SECONDS, flag))
        for container in ("RF64", "RIFX"):
            if container == "RIFX":
                audio = pcm(tones(RATE_HZ, SECONDS), order=">")
                content = wav(fmt(order=">"), audio, size, order=">")
                yield Case(f"rifx data size {name}", content, heard(SECONDS, flag))
    for name, riff in (("0", 0), ("0xFFFFFFFF", UNKNOWN), ("smaller", 100), ("larger", 10**8)):
        yield Case(f"wav riff size {name}", PLAIN[:4] + struct.pack("<I", riff) + PLAIN[8:], RIGHT)
    yield Case("wav cut in half", PLAIN[: len(PLAIN) // 2], heard(SECONDS / 2, CUT))
    yield Case("wav cut in a sample", PLAIN[:-1], heard(SECONDS, CUT))
    yield Case(
        "wav without its pad byte", wav(fmt(bits=8), bytes([128]) * 15_999)[:-1], heard(1, tones=False)
    )
    yield Case("wav with an odd size", wav(fmt(bits=8), bytes([128]) * 15_999), heard(1, tones=False))


def headers() -> Iterator[Case]:
    """Headers that are cut off, absurd or out of order."""
    yield Case("empty", b"", refused("empty_file"))
    yield Case("wav header only", wav(fmt(), b""), refused("no_audio"))
    yield Case("wav header only, size unknown", wav(fmt(), b"", UNKNOWN), refused("no_audio"))
    for length in (1, 4, 8, 11, 12, 20, 35, 36, 40, 43):
        yield Case(f"wav header cut at {length}", PLAIN[:length], refused("damaged_header"))
    for name, at, field in (
        ("channels 0", 22, b"\0\0"),
        ("rate 0", 24, bytes(4)),
        ("rate 1", 24, struct.pack("<I", 1)),
        ("rate 4 GHz", 24, struct.pack("<I", 4_000_000_000)),
        ("block 0", 32, b"\0\0"),
        ("fmt size 0", 16, bytes(4)),
        ("fmt size 4 GB", 16, struct.pack("<I", UNKNOWN)),
    ):
        damaged = PLAIN[:at] + field + PLAIN[at + len(field) :]
        yield Case(f"wav {name}", damaged, refused("damaged_header"))
    for name, at, field in (
        ("bits 0", 34, b"\0\0"),
        ("bits 1", 34, b"\1\0"),
        ("bits 65535", 34, b"\xff\xff"),
        ("channels 65535", 22, b"\xff\xff"),
        ("codec unknown", 20, b"\x34\x12"),
    ):
        yield Case(f"wav {name}", PLAIN[:at] + field + PLAIN[at + len(field) :], either(None))
    yield Case("wav byte rate 0", PLAIN[:28] + bytes(4) + PLAIN[32:], RIGHT)
    yield Case("wav byte rate 1", PLAIN[:28] + b"\1\0\0\0" + PLAIN[32:], RIGHT)
    body = b"WAVE" + chunk(b"data", AUDIO) + chunk(b"fmt ", fmt())
    yield Case(
        "wav data before fmt", b"RIFF" + struct.pack("<I", len(body)) + body, refused("damaged_header")
    )
    body = b"WAVE" + chunk(b"data", AUDIO)
    yield Case("wav without fmt", b"RIFF" + struct.pack("<I", len(body)) + body, refused("damaged_header"))
    many = b"WAVE" + chunk(b"JUNK", b"") * 5_000 + chunk(b"fmt ", fmt()) + chunk(b"data", AUDIO)
    yield Case(
        "wav thousands of chunks", b"RIFF" + struct.pack("<I", len(many)) + many, refused("damaged_header")
    )


def surroundings() -> Iterator[Case]:
    """Bytes before, between and after the parts of a WAV."""

    def riff(*parts: bytes) -> bytes:
        body = b"WAVE" + b"".join(parts)
        return b"RIFF" + struct.pack("<I", len(body)) + body

    form, data = chunk(b"fmt ", fmt()), chunk(b"data", AUDIO)
    note = chunk(b"LIST", b"INFO" + chunk(b"ICMT", b"\xff\x7f" * 4_000))
    tag = id3(b"TIT2" + struct.pack(">IH", 30, 0) + bytes(30))
    yield Case("wav LIST before", riff(form, note, data), RIGHT)
    yield Case("wav LIST at the end", riff(form, data, note), RIGHT)
    yield Case("wav JUNK first", riff(chunk(b"JUNK", bytes(4_096)), form, data), RIGHT)
    yield Case("wav odd chunk", riff(form, chunk(b"odd ", b"odd"), data), RIGHT)
    yield Case("wav odd chunk without pad", riff(form, chunk(b"odd ", b"odd")[:-1], data), RIGHT)
    yield Case(
        "wav garbage between",
        riff(form, b"\x00\x01\x02\x03\x04\x05\x06\x07" * 4, data),
        refused("damaged_header"),
    )
    yield Case("wav garbage at the end", PLAIN + b"\x00\x01\x02\x03" * 100, heard(SECONDS + 0.0125, STALE))
    yield Case("wav zeros at the end", PLAIN + bytes(32_000), heard(SECONDS + 1, STALE))
    yield Case("wav huge chunk", riff(form, chunk(b"bext", b"x" * 3_000_000), data), RIGHT)
    yield Case("wav chunk of 4 GB", riff(form, chunk(b"JUNK", b"", UNKNOWN), data), refused("damaged_header"))
    yield Case("wav joined with another", PLAIN + PLAIN, heard(2 * SECONDS, "recordings_joined"))
    yield Case("wav joined with half of one", PLAIN + PLAIN[: len(PLAIN) // 2], either(1.5 * SECONDS))
    yield Case("wav two data chunks", riff(form, data, data), heard(SECONDS))
    yield Case("wav after id3", tag + PLAIN, heard(SECONDS))
    yield Case("wav after id3, id3v1 at the end", tag + PLAIN + b"TAG" + b" " * 125, either(SECONDS))
    yield Case("wav named mp3", PLAIN, RIGHT, ".mp3")
