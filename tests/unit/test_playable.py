"""What browsers play as it is, by its first bytes; damaged heads need a copy and raise nothing."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.desk.playable import MOST_CHUNKS, mime_of
from offhook.desk.playing import SUFFIXES
from tests.recordings import FLOAT, PCM, encoded, extensible, fmt, id3, pcm, rf64, tones, video, w64, wav

SOUND = tones(16_000, 0.2)
MP3 = encoded("mp3", "libmp3lame", 16_000)


def mime(content: bytes) -> str | None:
    return mime_of(io.BytesIO(content))


#: Name of a kind -> its first bytes, and what browsers play them as.
KINDS: dict[str, tuple[bytes, str | None]] = {
    "WAV": (wav(fmt(), pcm(SOUND)), "audio/wav"),
    "WAV of 24 bits": (wav(extensible(PCM, 1, 16_000, 24), pcm(SOUND, 24)), "audio/wav"),
    "WAV with a list after it": (wav(fmt(), pcm(SOUND), tail=b"LIST\4\0\0\0INFO"), "audio/wav"),
    "WAV of floats": (wav(fmt(FLOAT, bits=32), SOUND.astype("<f4").tobytes()), None),
    "WAV without a size": (wav(fmt(), pcm(SOUND), size=0), None),
    "WAV with too large a size": (wav(fmt(), pcm(SOUND), size=10**6), None),
    "big-endian WAV": (wav(fmt(order=">"), pcm(SOUND, order=">"), order=">"), None),
    "RF64": (rf64(fmt(), pcm(SOUND)), None),
    "Wave64": (w64(fmt(), pcm(SOUND)), None),
    "FLAC": (encoded("flac", "flac", 16_000), "audio/flac"),
    "M4A": (encoded("mp4", "aac", 16_000), "audio/mp4"),
    "ALAC": (encoded("mp4", "alac", 16_000), None),
    "video with sound": (video("mp4", with_sound=True), "audio/mp4"),
    "video without sound": (video("mp4", with_sound=False), None),
    "MP3": (MP3, "audio/mpeg"),
    "MP3 after a large tag": (id3(bytes(40_000)) + MP3[MP3.index(b"\xff\xf3") :], "audio/mpeg"),
    "Opus": (encoded("ogg", "libopus", 48_000), "audio/ogg"),
    "WebM": (encoded("webm", "libopus", 48_000), "audio/webm"),
    "Matroska": (encoded("matroska", "libopus", 48_000), None),
    "AIFF": (encoded("aiff", "pcm_s16be", 16_000), None),
    "WMA": (encoded("asf", "wmav2", 16_000), None),
    "HTML": (b"<!doctype html>", None),
    "nothing": (b"", None),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_recording_is_played_as_it_is_or_needs_a_copy(name: str) -> None:
    content, expected = KINDS[name]
    assert mime(content) == expected


def test_an_mp3_of_a_varying_bit_rate_needs_a_copy() -> None:
    assert mime(MP3.replace(b"Info", b"Xing", 1)) is None


def test_an_mp4_with_two_sound_tracks_needs_a_copy() -> None:
    def box(name: bytes, *inner: bytes) -> bytes:
        return struct.pack(">I4s", 8 + sum(map(len, inner)), name) + b"".join(inner)

    entry = bytes(8) + box(b"mp4a", bytes(28))
    track = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", box(b"stsd", entry)))))
    assert mime(box(b"ftyp", b"M4A ") + box(b"moov", track)) == "audio/mp4"
    assert mime(box(b"ftyp", b"M4A ") + box(b"moov", track, track)) is None


HEADS = [
    wav(fmt(), pcm(SOUND)),
    encoded("mp4", "aac", 16_000),
    MP3,
    encoded("webm", "libopus", 48_000),
]


@given(st.data())
def test_a_damaged_head_raises_nothing(data: st.DataObject) -> None:
    head = bytearray(data.draw(st.sampled_from(HEADS)))
    for _ in range(data.draw(st.integers(0, 6))):
        head[data.draw(st.integers(0, min(len(head), 300) - 1))] = data.draw(st.integers(0, 255))
    found = mime(bytes(head[: data.draw(st.integers(0, len(head)))]))
    assert found is None or found in SUFFIXES


def test_a_file_of_nothing_but_boxes_is_soon_judged() -> None:
    """On each level there may be as many boxes as allowed, and each of them may have as many inside."""

    class Counted(io.BytesIO):
        reads = 0

        def read(self, size: int | None = -1) -> bytes:
            self.reads += 1
            return super().read(size)

    tracks = box(b"moov", box(b"trak", box(b"mdia") * 20) * 100)
    file = Counted(box(b"ftyp", b"M4A \0\0\0\0") + tracks * 10)
    assert mime_of(file) is None
    assert file.reads < 2 * MOST_CHUNKS


def box(name: bytes, payload: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(payload), name) + payload
