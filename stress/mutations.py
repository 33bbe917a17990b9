"""Valid headers of WAV, FLAC and MP3, damaged by hypothesis: a seed and a count give the same cases again."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import hypothesis
from hypothesis import strategies as st

from stress.cases import Case, either
from tests.recordings import FLOAT, PCM, chunk, encoded, extensible, fmt, id3, pcm, rf64, tones, wav

SECONDS = 3.0
MOST_CHANGES = 3
#: The share of damaged files that are also cut off within their header.
CUTS = 0.05
SIZES = (0, 1, 2, 0x7F, 0xFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


@dataclass(frozen=True)
class Base:
    """A valid file; `header_bytes` of it are damaged, and `meaning` are those that define the audio."""

    name: str
    content: bytes
    header_bytes: int
    suffix: str
    tolerance_seconds: float
    seconds: float = SECONDS
    meaning: range | None = None


@cache
def bases() -> tuple[Base, ...]:
    """The valid files."""
    return (*_wavs(), *_flacs(), *_mp3s())


def mutations(count: int, seed: int) -> list[Case]:
    """Return this many damaged files, all different."""
    found = {base.content: Case(base.name, base.content, either(None)) for base in bases()}
    whole = len(found)

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count + count // 4 + 10,  # some come twice
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(st.sampled_from(bases()), st.randoms(use_true_random=False))
    def collect(base: Base, chance: random.Random) -> None:
        case = _damaged(base, f"mutation {seed}-{len(found) - whole} of {base.name}", chance)
        found.setdefault(case.content, case)

    collect()
    return list(found.values())[whole : whole + count]


def _damaged(base: Base, name: str, chance: random.Random) -> Case:
    content = base.content
    for _ in range(chance.randint(1, MOST_CHANGES)):
        content = chance.choice(CHANGES)(content, chance.randrange(base.header_bytes), chance)
    if chance.random() < CUTS:
        content = content[: chance.randrange(base.header_bytes)]
        return Case(name, content, either(0.0, base.tolerance_seconds), base.suffix)
    means_the_same = base.meaning is None or _piece(content, base.meaning) == _piece(
        base.content, base.meaning
    )
    truth = either(base.seconds if means_the_same else None, base.tolerance_seconds)
    return Case(name, content, truth, base.suffix)


def _piece(content: bytes, place: range) -> bytes:
    return content[place.start : place.stop]


def _flip(content: bytes, at: int, chance: random.Random) -> bytes:
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


def _overwrite(content: bytes, at: int, chance: random.Random) -> bytes:
    garbage = chance.randbytes(chance.randint(1, 8))
    return content[:at] + garbage + content[at + len(garbage) :]


def _resize(content: bytes, at: int, chance: random.Random) -> bytes:
    field = struct.pack(chance.choice(("<I", ">I")), chance.choice(SIZES))
    return content[:at] + field + content[at + 4 :]


def _insert(content: bytes, at: int, chance: random.Random) -> bytes:
    return content[:at] + chance.randbytes(chance.randint(1, 8)) + content[at:]


def _remove(content: bytes, at: int, chance: random.Random) -> bytes:
    return content[:at] + content[at + chance.randint(1, 8) :]


def _repeat(content: bytes, at: int, chance: random.Random) -> bytes:
    return content[: at + chance.randint(1, 40)] + content[at:]


Change = Callable[[bytes, int, random.Random], bytes]
CHANGES: tuple[Change, ...] = (
    _flip,
    _flip,
    _overwrite,
    _overwrite,
    _resize,
    _resize,
    _insert,
    _remove,
    _repeat,
)


def _wavs() -> Iterator[Base]:
    plain = pcm(tones(16_000, SECONDS))
    for name, form, audio, order in (
        ("wav", fmt(), plain, "<"),
        ("wav 8 kHz", fmt(rate=8_000), pcm(tones(8_000, SECONDS)), "<"),
        ("wav float", fmt(FLOAT, rate=48_000, bits=32), tones(48_000, SECONDS).astype("<f4").tobytes(), "<"),
        ("wav extensible", extensible(PCM, 1, 44_100, 24), pcm(tones(44_100, SECONDS), 24), "<"),
        ("rifx", fmt(order=">"), pcm(tones(16_000, SECONDS), order=">"), ">"),
    ):
        tail = chunk(b"LIST", b"INFO" + chunk(b"ISFT", b"recorder\0\0", order=order), order=order)
        content = wav(form, audio, tail=tail, order=order)
        yield Base(name, content, 28 + len(form), ".wav", 0.05, meaning=range(20, 20 + len(form)))
    yield Base("rf64", rf64(fmt(), plain), 80, ".wav", 0.05, meaning=range(56, 72))


def _flacs() -> Iterator[Base]:
    for rate, layout in ((16_000, "mono"), (44_100, "stereo")):
        content = encoded("flac", "flac", rate, layout, SECONDS)
        # Each frame repeats the stream info, so the length is known for any damage to it.
        yield Base(f"flac {layout}", content, content.index(b"\xff\xf8") + 16, ".flac", 0.6)


def _mp3s() -> Iterator[Base]:
    for rate, layout in ((44_100, "stereo"), (16_000, "mono")):
        content = encoded("mp3", "libmp3lame", rate, layout, SECONDS)
        yield Base(
            f"mp3 {layout}",
            content,
            content.index(b"\xff\xf3" if rate == 16_000 else b"\xff\xfb") + 200,
            ".mp3",
            0.6,
        )
        tagged = id3(b"TIT2" + struct.pack(">IH", 30, 0) + b"\0" + b"a" * 29) + content
        yield Base(f"mp3 {layout} tagged", tagged, 120, ".mp3", 0.6)
