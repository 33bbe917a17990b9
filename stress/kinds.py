"""The hand-made kinds of bad input: whatever recorders, taggers, networks and people do to a recording."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from itertools import chain

import numpy as np

from stress.cases import Case, Truth, either, heard, refused
from tests.muxing import Sound, stamped, tracks
from tests.recordings import (
    A_LAW,
    FLOAT,
    GUID_TAIL,
    MU_LAW,
    PCM,
    chunk,
    encoded,
    extensible,
    fmt,
    pcm,
    tones,
    video,
    wav,
)
from transcribe_worker.media.riff import W64_RIFF, W64_WAVE

SECONDS = 2.0
RATE_HZ = 16_000
AUDIO = pcm(tones(RATE_HZ, SECONDS))
PLAIN = wav(fmt(), AUDIO)
RIGHT = heard(SECONDS)
UNKNOWN = 0xFFFFFFFF
MISSING, STALE, CUT = "header_size_missing", "header_size_stale", "cut_short"
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
#: Those whose header says how long they are: what is cut off is noticed.
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
#: A telephone codec is not faithful enough to find its tones in.
ROUGH = ("3gp", "amr")


def kinds() -> Iterator[Case]:
    """All hand-made cases."""
    groups = (
        samples(),
        dialects(),
        sizes(),
        headers(),
        surroundings(),
        containers(),
        times(),
        strangers(),
        extremes(),
    )
    yield from chain.from_iterable(groups)


def samples() -> Iterator[Case]:
    """What a WAV may be made of."""
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
    """The members of the WAV family."""
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
    """Sizes that a killed recorder, a full disk or a broken copy leave behind."""
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
    """What stands before, between and behind the parts of a WAV."""

    def riff(*parts: bytes) -> bytes:
        body = b"WAVE" + b"".join(parts)
        return b"RIFF" + struct.pack("<I", len(body)) + body

    form, data = chunk(b"fmt ", fmt()), chunk(b"data", AUDIO)
    note = chunk(b"LIST", b"INFO" + chunk(b"ICMT", b"\xff\x7f" * 4_000))
    tag = id3(b"TIT2" + struct.pack(">IH", 30, 0) + bytes(30))
    yield Case("wav LIST before", riff(form, note, data), RIGHT)
    yield Case("wav LIST behind", riff(form, data, note), RIGHT)
    yield Case("wav JUNK first", riff(chunk(b"JUNK", bytes(4_096)), form, data), RIGHT)
    yield Case("wav odd chunk", riff(form, chunk(b"odd ", b"odd"), data), RIGHT)
    yield Case("wav odd chunk without pad", riff(form, chunk(b"odd ", b"odd")[:-1], data), RIGHT)
    yield Case(
        "wav garbage between",
        riff(form, b"\x00\x01\x02\x03\x04\x05\x06\x07" * 4, data),
        refused("damaged_header"),
    )
    yield Case("wav garbage behind", PLAIN + b"\x00\x01\x02\x03" * 100, heard(SECONDS + 0.0125, STALE))
    yield Case("wav zeros behind", PLAIN + bytes(32_000), heard(SECONDS + 1, STALE))
    yield Case("wav huge chunk", riff(form, chunk(b"bext", b"x" * 3_000_000), data), RIGHT)
    yield Case("wav chunk of 4 GB", riff(form, chunk(b"JUNK", b"", UNKNOWN), data), refused("damaged_header"))
    yield Case("wav joined with another", PLAIN + PLAIN, heard(2 * SECONDS, "recordings_joined"))
    yield Case("wav joined with half of one", PLAIN + PLAIN[: len(PLAIN) // 2], either(1.5 * SECONDS))
    yield Case("wav two data chunks", riff(form, data, data), heard(SECONDS))
    yield Case("wav behind id3", tag + PLAIN, heard(SECONDS))
    yield Case("wav behind id3, id3v1 behind", tag + PLAIN + b"TAG" + b" " * 125, either(SECONDS))
    yield Case("wav named mp3", PLAIN, RIGHT, ".mp3")


def containers() -> Iterator[Case]:
    """Every container: whole, misnamed, cut, tagged, and with garbage behind it."""
    for name, (container, codec, rate, layout, suffix, tolerance) in CONTAINERS.items():
        content = encoded(container, codec, rate, layout, SECONDS)
        is_wav = container == "wav"
        whole = heard(SECONDS, tolerance=tolerance, tones=name not in ROUGH)
        half = either(SECONDS, tolerance) if name in STATED else either(SECONDS / 2, 0.4 * SECONDS)
        yield Case(name, content, whole, suffix)
        yield Case(f"{name} named wav", content, whole, ".wav")
        yield Case(f"{name} cut in half", content[: len(content) // 2], half, suffix)
        if name == "amr":  # any garbage is audio of some kind to it
            continue
        yield Case(f"{name} header cut", content[:30], Truth(codes=None, seconds=0.0), suffix)
        yield Case(
            f"{name} garbage behind",
            content + b"\x13\x57\x9b\xdf" * 500,
            either(SECONDS, tolerance + 0.2),
            suffix,
        )
        joined = either(2 * SECONDS, 2 * tolerance + 0.2)
        yield Case(f"{name} joined with another", content + content, joined, suffix)
        if not is_wav:
            yield Case(f"{name} behind a tag", id3(bytes(300)) + content, whole, suffix)
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
    """Time stamps that say where sound belongs, or lie; several tracks."""
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


def strangers() -> Iterator[Case]:
    """What is no recording, named .wav, and scripts that would have FFmpeg read another file."""
    scripts = {
        "ffconcat": f"ffconcat version 1.0\nfile {TARGET}\n",
        "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{TARGET}\n#EXT-X-ENDLIST\n",
        "pls": f"[playlist]\nFile1={TARGET}\nNumberOfEntries=1\n",
        "sdp": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n",
        "smil": f'<smil><body><audio src="{TARGET}"/></body></smil>',
        "m3u8 behind a tag": f"ID3\x04\0\0\0\0\0\0#EXTM3U\n#EXTINF:9,\n{TARGET}\n",
        "m3u8 in a riff": f"RIFF\x40\0\0\0WAVE#EXTM3U\n#EXTINF:9,\n{TARGET}\n",
        "m3u8 like an mp4": f"#EX\nftypM4A #EXTM3U\n#EXTINF:9,\n{TARGET}\n",
        "dash": f'<?xml version="1.0"?><MPD><BaseURL>{TARGET}</BaseURL></MPD>',
        "imf": f'<?xml version="1.0"?><CompositionPlaylist>{TARGET}</CompositionPlaylist>',
    }
    for name, script in scripts.items():
        for suffix in (".wav", ".mp3"):
            codes = ("not_a_recording", "damaged_header")
            yield Case(f"{name} named {suffix}", script.encode("latin-1"), refused(*codes), suffix)
    others = {
        "text": b"Minutes of the call\n1. Welcome\n" * 20,
        "text in utf-16": "Minutes of the call".encode("utf-16"),
        "png": PNG,
        "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(500),
        "pdf": b"%PDF-1.7\n" + bytes(500),
        "zip": b"PK\x03\x04" + bytes(500),
        "html": b"<!DOCTYPE html><html></html>",
        "program": b"\x7fELF" + bytes(500),
        "zeros": bytes(50_000),
        "ones": b"\xff" * 50_000,
        "noise": np.random.default_rng(1).bytes(50_000),
    }
    for name, content in others.items():
        yield Case(f"{name} named wav", content, refused("not_a_recording"))


def extremes() -> Iterator[Case]:
    """Very short, very long, very quiet, and only noise."""
    for seconds in (0.1, 0.01, 1 / RATE_HZ):
        audio = pcm(tones(RATE_HZ, seconds))
        yield Case(f"wav {seconds:.5f} s", wav(fmt(), audio), heard(seconds, tones=False))
    short = encoded("flac", "flac", 16_000, seconds=0.1)
    yield Case("flac 0.1 s", short, heard(0.1, tones=False), ".flac")
    yield Case("wav silence", wav(fmt(), bytes(64_000)), heard(2, tones=False))
    noise = np.random.default_rng(2).integers(-9_000, 9_000, 32_000).astype("<i2").tobytes()
    yield Case("wav noise", wav(fmt(), noise), heard(2, tones=False))
    hours = 12 * 3_600
    head = wav(fmt(rate=8_000), b"", hours * 16_000)
    yield Case(
        "wav 12 hours",
        head,
        heard(hours, tones=False),
        size_bytes=len(head) + hours * 16_000,
        limit_seconds=240,
    )
    size = 5 * 2**30
    ds64 = chunk(b"ds64", struct.pack("<QQQI", 72 + size, size, 0, 0))
    form = fmt(channels=8, rate=96_000)
    head = b"RF64\xff\xff\xff\xffWAVE" + ds64 + chunk(b"fmt ", form) + chunk(b"data", b"", UNKNOWN)
    truth = heard(size / 16 / 96_000, tones=False)
    yield Case("rf64 of 5 GiB", head, truth, size_bytes=len(head) + size, limit_seconds=240)


def id3(payload: bytes) -> bytes:
    """An ID3v2.4 tag; 7 bits of its size stand in each byte."""
    size = bytes(len(payload) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\4\0\0" + size + payload


def external_reference(levels: int) -> bytes:
    """A QuickTime file that says that its audio lies in another one.

    `levels` up to a common folder and down again lead to it; 0: only its full path does. FFmpeg would open it
    but for the locks of transcribe_worker.audio.
    """
    content = encoded("mov", "pcm_s16be", 44_100, seconds=1)
    at = content.index(b"dref")
    entry = at + 12  # behind version, flags and the number of entries
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
