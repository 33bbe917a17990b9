"""The hand-made kinds of bad input, as recorders, taggers, networks and people produce them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import chain

import numpy as np

from stress.cases import Case, heard, refused
from stress.container_kinds import PNG, TARGET, containers, times
from stress.wav_kinds import RATE_HZ, UNKNOWN, dialects, headers, samples, sizes, surroundings
from tests.recordings import chunk, encoded, fmt, pcm, tones, wav


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


def strangers() -> Iterator[Case]:
    """What is no recording, named .wav, and scripts that would have FFmpeg read another file."""
    scripts = {
        "ffconcat": f"ffconcat version 1.0\nfile {TARGET}\n",
        "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{TARGET}\n#EXT-X-ENDLIST\n",
        "pls": f"[playlist]\nFile1={TARGET}\nNumberOfEntries=1\n",
        "sdp": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n",
        "smil": f'<smil><body><audio src="{TARGET}"/></body></smil>',
        "m3u8 after a tag": f"ID3\x04\0\0\0\0\0\0#EXTM3U\n#EXTINF:9,\n{TARGET}\n",
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
