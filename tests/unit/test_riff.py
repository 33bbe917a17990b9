"""What a WAV says of itself, checked on headers built by hand."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadRecording, DamagedHeader, NoAudio
from transcribe_worker.media.riff import WavLayout, is_whole, read_layout
from transcribe_worker.media.riff_chunks import W64_RIFF, W64_WAVE

AUDIO = bytes(range(1, 201)) * 40  # 8,000 bytes: 0.5 s at 8 kHz, 16 bits
HEADER_BYTES = 44
GUID_TAIL = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"


def fmt(order: str = "<", tag: int = 1, channels: int = 1, rate: int = 8_000, bits: int = 16) -> bytes:
    block = channels * bits // 8
    return struct.pack(order + "HHIIHH", tag, channels, rate, rate * block, block, bits)


def chunk(name: bytes, payload: bytes, order: str = "<", size: int | None = None) -> bytes:
    stated = len(payload) if size is None else size
    return name + struct.pack(order + "I", stated) + payload + b"\0" * (len(payload) % 2)


def wav(*chunks: bytes, magic: bytes = b"RIFF", order: str = "<") -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return magic + struct.pack(order + "I", len(body)) + body


def plain(size: int | None = None, audio: bytes = AUDIO) -> bytes:
    return wav(chunk(b"fmt ", fmt()), chunk(b"data", audio, size=size))


def rf64(data_size: int, riff_size: int, magic: bytes = b"RF64") -> bytes:
    ds64 = chunk(b"ds64", struct.pack("<QQQI", riff_size, data_size, 0, 0))
    body = ds64 + chunk(b"fmt ", fmt()) + chunk(b"data", AUDIO, size=0xFFFFFFFF)
    return magic + b"\xff\xff\xff\xffWAVE" + body


def w64(data_size: int | None = None, tail: bytes = b"") -> bytes:
    def long_chunk(name: bytes, payload: bytes, size: int | None = None) -> bytes:
        stated = 24 + len(payload) if size is None else size
        return name + GUID_TAIL + struct.pack("<Q", stated) + payload + b"\0" * (-len(payload) % 8)

    body = long_chunk(b"fmt ", fmt()) + long_chunk(b"data", AUDIO, data_size) + tail
    return W64_RIFF + struct.pack("<Q", 40 + len(body)) + W64_WAVE + body


def layout_of(content: bytes) -> WavLayout:
    layout = read_layout(io.BytesIO(content), len(content))
    assert layout is not None
    return layout


def audio_of(content: bytes) -> bytes:
    layout = layout_of(content)
    return content[layout.data_offset :][: layout.data_bytes]


def test_an_ordinary_wav_is_whole_and_says_what_it_is() -> None:
    layout = layout_of(plain())
    assert (layout.form, layout.flags, layout.is_whole) == ("RIFF", (), True)
    assert (layout.sample_rate_hz, layout.channels, layout.block_align) == (8_000, 1, 2)
    assert layout.data_offset == HEADER_BYTES
    assert layout.duration_seconds == pytest.approx(0.5)
    assert audio_of(plain()) == AUDIO


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_missing_size_means_everything_up_to_the_end(size: int) -> None:
    layout = layout_of(plain(size))
    assert (layout.flags, layout.is_whole) == (("header_size_missing",), False)
    assert audio_of(plain(size)) == AUDIO


@pytest.mark.parametrize("size", [2, 1_000, len(AUDIO) - 2])
def test_a_stale_size_is_overruled_by_the_file(size: int) -> None:
    layout = layout_of(plain(size))
    assert (layout.flags, layout.is_whole) == (("header_size_stale",), False)
    assert audio_of(plain(size)) == AUDIO


@pytest.mark.parametrize("size", [len(AUDIO) + 2, 1_000_000, 0x7FFFFFFF])
def test_a_header_that_promises_more_than_there_is_is_used_as_far_as_it_goes(size: int) -> None:
    layout = layout_of(plain(size))
    assert (layout.flags, layout.is_whole) == (("cut_short",), False)
    assert audio_of(plain(size)) == AUDIO


def test_a_file_cut_within_a_block_ends_with_the_last_whole_one() -> None:
    assert audio_of(plain()[:-1]) == AUDIO[:-2]


@pytest.mark.parametrize(
    "trailing",
    [
        [chunk(b"LIST", b"INFOISFT\x05\0\0\0Lavf\0\0")],
        [chunk(b"bext", b"x" * 602), chunk(b"id3 ", b"odd" * 3)],
        [chunk(b"id3 ", b"odd")[:-1]],  # its pad byte was forgotten
    ],
)
def test_chunks_behind_the_audio_are_not_audio(trailing: list[bytes]) -> None:
    content = wav(chunk(b"fmt ", fmt()), chunk(b"data", AUDIO), *trailing)
    assert audio_of(content) == AUDIO
    assert layout_of(content).flags == ()
    assert layout_of(content).is_whole


@pytest.mark.parametrize(
    "odd", [chunk(b"JUNK", b"odd"), chunk(b"JUNK", b"odd")[:-1], chunk(b"bext", b"x" * 603)]
)
def test_chunks_before_the_audio_are_passed_over_padded_or_not(odd: bytes) -> None:
    content = wav(odd, chunk(b"fmt ", fmt()), odd, chunk(b"data", AUDIO))
    assert audio_of(content) == AUDIO
    assert layout_of(content).is_whole


@pytest.mark.parametrize("padded", [True, False])
def test_an_odd_number_of_audio_bytes_is_whole_with_its_pad_byte_or_without(padded: bool) -> None:
    content = wav(chunk(b"fmt ", fmt(bits=8)), chunk(b"data", AUDIO[:-1]))
    content = content if padded else content[:-1]
    assert audio_of(content) == AUDIO[:-1]
    assert layout_of(content).is_whole


def test_a_big_endian_header_is_read_as_one() -> None:
    content = wav(chunk(b"fmt ", fmt(">"), ">"), chunk(b"data", AUDIO, ">"), magic=b"RIFX", order=">")
    layout = layout_of(content)
    assert (layout.form, layout.sample_rate_hz, layout.swapped_bytes) == ("RIFX", 8_000, 2)
    assert layout.little_endian_fmt == fmt()
    assert layout.is_whole


@pytest.mark.parametrize("magic", [b"RF64", b"BW64"])
def test_the_long_sizes_of_rf64_count(magic: bytes) -> None:
    content = rf64(len(AUDIO), 4 + 36 + 24 + 8 + len(AUDIO), magic)
    assert (layout_of(content).form, layout_of(content).is_whole) == ("RF64", True)
    assert audio_of(content) == AUDIO


def test_rf64_with_zero_sizes_is_used_up_to_the_end() -> None:
    assert audio_of(rf64(0, 0)) == AUDIO
    assert layout_of(rf64(0, 0)).flags == ("header_size_missing",)


def test_wave64_is_read_with_its_long_sizes_and_missing_ones() -> None:
    assert (layout_of(w64()).form, layout_of(w64()).is_whole) == ("W64", True)
    for size in (0, 24, 0xFFFF_FFFF_FFFF_FFFF):
        assert audio_of(w64(size)) == AUDIO
        assert layout_of(w64(size)).flags == ("header_size_missing",)


def test_other_files_are_no_wavs() -> None:
    for content in (
        b"",
        b"hello, this is not a WAV at all, whatever its name says",
        b"RIFF\x10\0\0\0AVI LIST" * 9,
    ):
        assert read_layout(io.BytesIO(content), len(content)) is None


@pytest.mark.parametrize("length", range(1, HEADER_BYTES))
def test_a_header_that_is_cut_off_is_damaged(length: int) -> None:
    with pytest.raises(DamagedHeader):
        layout_of(plain()[:length])


@pytest.mark.parametrize("size", [0, 1_000, 0xFFFFFFFF])
def test_a_header_without_audio_behind_it_has_none(size: int) -> None:
    with pytest.raises(NoAudio):
        layout_of(plain(size)[:HEADER_BYTES])


def test_an_empty_data_chunk_before_a_list_has_no_audio() -> None:
    with pytest.raises(NoAudio):
        layout_of(wav(chunk(b"fmt ", fmt()), chunk(b"data", b""), chunk(b"LIST", b"INFO")))


@pytest.mark.parametrize(
    "bad",
    [fmt(channels=0), fmt(rate=0), struct.pack("<HHIIHH", 1, 1, 8_000, 16_000, 0, 16), fmt()[:12], b""],
    ids=["0 channels", "0 Hz", "blocks of 0 bytes", "short", "empty"],
)
def test_an_absurd_format_is_damage(bad: bytes) -> None:
    with pytest.raises(DamagedHeader, match="damaged"):
        layout_of(wav(chunk(b"fmt ", bad), chunk(b"data", AUDIO)))


def test_a_format_of_gigabytes_is_never_read_into_memory() -> None:
    with pytest.raises(DamagedHeader, match="bytes"):
        layout_of(wav(chunk(b"fmt ", fmt(), size=0xFFFFFFF0), chunk(b"data", AUDIO)))


def test_audio_without_a_format_is_damage() -> None:
    with pytest.raises(DamagedHeader, match="the format of the audio"):
        layout_of(wav(chunk(b"data", AUDIO)))


def test_a_million_empty_chunks_end_the_search() -> None:
    with pytest.raises(DamagedHeader):
        layout_of(wav(chunk(b"JUNK", b"") * 1_000_000, chunk(b"data", AUDIO)))


def test_a_growing_recording_is_not_whole_until_its_header_is(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    for length in (0, 20, HEADER_BYTES, HEADER_BYTES + 500, len(plain()) - 1):
        path.write_bytes(plain()[:length])
        assert not is_whole(path)
    path.write_bytes(plain())
    assert is_whole(path)
    path.write_bytes(plain() + b"\x01\x02")
    assert not is_whole(path)


def test_what_cannot_be_read_is_not_whole(tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_text("no recording")
    for name in ("notes.wav", "missing.wav", "."):
        assert not is_whole(tmp_path / name)


@given(position=st.integers(0, HEADER_BYTES + 36), garbage=st.binary(min_size=1, max_size=12))
def test_damage_to_any_header_ends_in_a_layout_or_an_explanation(position: int, garbage: bytes) -> None:
    for content in (plain(), rf64(len(AUDIO), 8_064), w64()):
        damaged = content[:position] + garbage + content[position + len(garbage) :]
        try:
            layout = read_layout(io.BytesIO(damaged), len(damaged))
        except BadRecording:
            continue
        if layout is not None:
            assert 0 < layout.data_bytes <= len(damaged) - layout.data_offset
