"""Hand-made kinds of bad input in containers: misnamed, cut, tagged, joined, with wrong time stamps."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from stress.cases import Case, Truth, either, heard, refused
from stress.wav_kinds import RATE_HZ, SECONDS
from tests.muxing import Sound, stamped, tracks
from tests.recordings import chunk, encoded, id3, tones, video

PNG = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", bytes(13), order=">")
    + zlib.crc32(b"").to_bytes(4, "big")
    + bytes(200)
)
TARGET = "target.wav"

#: Container, codec, rate, layout, ending, and how exactly it keeps the length.
CONTAINERS = {
    "flac": ("flac", "flac", 16_000, "mono", ".flac", 0.02),
    "flac stereo": ("flac", "flac", 44_100, "stereo", ".flac", 0.02),
    "mp3": ("mp3", "libmp3lame", 44_100, "stereo", ".mp3", 0.1),
    "mp3 telephone": ("mp3", "libmp3lame", 8_000, "mono", ".mp3", 0.2),
    "m4a": ("ipod", "aac", 44_100, "mono", ".m4a", 0.1),
    "m4a lossless": ("ipod", "alac", 48_000, "stereo", ".m4a", 0.02),
    "mp4": ("mp4", "aac", 48_000, "5.1", ".mp4", 0.1),
    "mov": ("mov", "pcm_s16be", 44_100, "mono", ".mov", 0.02),
    "3gp": ("3gp", "libopencore_amrnb", 8_000, "mono", ".3gp", 0.1),
    "ogg": ("ogg", "vorbis", 44_100, "stereo", ".ogg", 0.1),
    "opus": ("ogg", "libopus", 48_000, "mono", ".opus", 0.1),
    "webm": ("webm", "libopus", 48_000, "stereo", ".webm", 0.1),
    "mkv": ("matroska", "aac", 48_000, "stereo", ".mkv", 0.1),
    "aiff": ("aiff", "pcm_s24be", 44_100, "stereo", ".aiff", 0.02),
    "caf": ("caf", "pcm_s16le", 44_100, "mono", ".caf", 0.02),
    "aac": ("adts", "aac", 44_100, "mono", ".aac", 0.2),
    "amr": ("amr", "libopencore_amrnb", 8_000, "mono", ".amr", 0.1),
    "wma": ("asf", "wmav2", 44_100, "stereo", ".wma", 0.2),
    "avi": ("avi", "libmp3lame", 44_100, "stereo", ".avi", 0.1),
    "avi pcm": ("avi", "pcm_s16le", 16_000, "mono", ".avi", 0.1),
    "flv": ("flv", "aac", 44_100, "mono", ".flv", 0.1),
    "au": ("au", "pcm_s16be", 16_000, "mono", ".au", 0.02),
    "wavpack": ("wv", "wavpack", 44_100, "mono", ".wv", 0.02),
    "tta": ("tta", "tta", 44_100, "mono", ".tta", 0.02),
    "mpeg-ts": ("mpegts", "aac", 44_100, "mono", ".ts", 0.2),
    "mpeg-ps": ("mpeg", "mp2", 44_100, "mono", ".mpg", 0.2),
    "wav mu-law": ("wav", "pcm_mulaw", 8_000, "mono", ".wav", 0.02),
    "wav a-law": ("wav", "pcm_alaw", 8_000, "mono", ".wav", 0.02),
    "wav ms adpcm": ("wav", "adpcm_ms", 8_000, "mono", ".wav", 0.2),
    "wav ima adpcm": ("wav", "adpcm_ima_wav", 8_000, "mono", ".wav", 0.2),
    "wav mp3": ("wav", "libmp3lame", 44_100, "mono", ".wav", 0.2),
}
#: Formats whose header states the length, so that a cut is noticed.
STATED = (
    "flac",
    "flac stereo",
    "m4a",
    "m4a lossless",
    "mp4",
    "mov",
    "3gp",
    "mkv",
    "aiff",
    "caf",
    "au",
    "wavpack",
    "tta",
)
#: Telephone codecs distort the tones too much to find them.
ROUGH = ("3gp", "amr")


def containers() -> Iterator[Case]:
    """Every container: whole, misnamed, cut, tagged, and followed by garbage."""
    for name, (container, codec, rate, layout, suffix, tolerance) in CONTAINERS.items():
        content = encoded(container, codec, rate, layout, SECONDS)
        is_wav = container == "wav"
        whole = heard(SECONDS, tolerance=tolerance, tones=name not in ROUGH)
        half = either(SECONDS, tolerance) if name in STATED else either(SECONDS / 2, 0.4 * SECONDS)
        yield Case(name, content, whole, suffix)
        yield Case(f"{name} named wav", content, whole, ".wav")
        yield Case(f"{name} cut in half", content[: len(content) // 2], half, suffix)
        if name == "amr":  # any bytes are audio to AMR
            continue
        yield Case(f"{name} header cut", content[:30], Truth(codes=None, seconds=0.0), suffix)
        yield Case(
            f"{name} garbage at the end",
            content + b"\x13\x57\x9b\xdf" * 500,
            either(SECONDS, tolerance + 0.2),
            suffix,
        )
        joined = either(2 * SECONDS, 2 * tolerance + 0.2)
        yield Case(f"{name} joined with another", content + content, joined, suffix)
        if not is_wav:
            yield Case(f"{name} after a tag", id3(bytes(300)) + content, whole, suffix)
    mp3 = encoded("mp3", "libmp3lame", 44_100, "mono", SECONDS)
    tight = heard(SECONDS, tolerance=0.1)
    yield Case("mp3 huge tag", id3(b"\xff\xfb\x90\x64" * 500_000) + mp3, tight, ".mp3")
    picture = b"APIC" + struct.pack(">IH", len(PNG) + 14, 0) + b"\0image/png\0\3\0" + PNG
    yield Case("mp3 with a cover", id3(picture) + mp3, tight, ".mp3")
    yield Case("mp3 two tags", id3(bytes(50)) + id3(bytes(50)) + mp3, tight, ".mp3")
    yield Case(
        "mp3 tag larger than the file", b"ID3\4\0\0" + b"\x7f\x7f\x7f\x7f" + mp3, refused("no_audio"), ".mp3"
    )
    yield Case("mp3 tag only", id3(bytes(500)), refused("no_audio"), ".mp3")
    yield Case("mp3 from the middle", mp3[2_000:], either(SECONDS, 0.4), ".mp3")
    yield Case("mp4 with a picture stream", video("mp4", with_sound=True), heard(1, tolerance=0.1), ".mp4")
    yield Case("mp4 picture stream only", video("mp4", with_sound=False), refused("no_audio"), ".mp4")
    for levels in (0, 1):
        content = external_reference(levels)
        yield Case(f"mov with an external reference, {levels} levels", content, either(1, 0.02), ".mov")


def times() -> Iterator[Case]:
    """Correct and wrong time stamps; several tracks."""
    sound = tones(RATE_HZ, SECONDS)
    filled, wrong = ("gaps_filled",), ("times_wrong",)
    for name, begin, seconds, flags in (
        ("a gap", 7.0, 9.0, filled),
        ("a gap of an hour", 3_500.0, 3_502.0, filled),
        ("a jump of hours", 30_000.0, 4.0, wrong),
        ("a jump of years", 1e9, 4.0, wrong),
    ):
        content = stamped([Sound(0.0, sound), Sound(begin, sound)])
        yield Case(f"mkv with {name}", content, heard(seconds, *flags), ".mkv")
    yield Case("mkv that starts late", stamped([Sound(4.0, sound)]), heard(6.0, *filled), ".mkv")
    yield Case("mkv that starts after days", stamped([Sound(1e6, sound)]), heard(SECONDS), ".mkv")
    two = tracks([[Sound(0.0, sound)], [Sound(0.0, sound)]])
    yield Case("mkv of two tracks", two, heard(SECONDS, "tracks_mixed"), ".mkv")
    for name, container, codec, suffix in (
        ("flac", "flac", "flac", ".flac"),
        ("opus in mkv", "matroska", "libopus", ".mkv"),
        ("ogg", "ogg", "libopus", ".ogg"),
        ("wma", "asf", "wmav2", ".wma"),
    ):
        content = encoded(container, codec, 48_000, "mono", 20.0)
        begin, end = int(len(content) * 0.3), int(len(content) * 0.5)
        hole = content[:begin] + bytes(end - begin) + content[end:]
        yield Case(f"{name} with a hole", hole, either(20.0, 0.3), suffix)


def external_reference(levels: int) -> bytes:
    """Return a QuickTime file that refers to the audio of another file.

    `levels` up to a common folder and down again lead to it; 0: only its full path does. FFmpeg would open it
    without the locks of `transcribe_worker/media/recording.py`.
    """
    content = encoded("mov", "pcm_s16be", 44_100, seconds=1)
    at = content.index(b"dref")
    entry = at + 12  # after version, flags and the number of entries
    path = f"/{TARGET}".encode()
    alias = bytes(10 + 28 + 12 + 64 + 16) + struct.pack(">HH", levels, levels) + bytes(16)
    alias += struct.pack(">HH", 2, len(path)) + path + bytes(len(path) % 2) + b"\xff\xff\0\0"
    old_bytes = int.from_bytes(content[entry : entry + 4])
    new = struct.pack(">I4sI", 12 + len(alias), b"alis", 0) + alias
    changed = bytearray(content[:entry] + new + content[entry + old_bytes :])
    for box in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        size_at = content.rindex(box, 0, at + 4) - 4
        size = int.from_bytes(content[size_at : size_at + 4]) + len(new) - old_bytes
        changed[size_at : size_at + 4] = size.to_bytes(4)
    return bytes(changed)
