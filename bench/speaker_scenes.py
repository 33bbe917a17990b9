"""Synthesised calls of two and three people: each utterance apart, every word with its speaker and time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import soxr

from bench.corpora import SPEECH_LEVEL, Samples, through_a_telephone
from bench.speaker_calls import Said, SpeakerCall, mixed, tracks
from capture_worker.samples import Pair
from tests.noises import NOISES
from tests.voices import LONG_CALL, SAMPLE_RATE_HZ, Turn, speak, trimmed

#: Laura's and Joe's voices, and a third one: Joe's, higher by a fifth, with shorter resonances.
LAURA, JOE, THIRD = "laura", "joe", "third"
HIGHER = 1.2
BACK_CHANNELS = ("Yes.", "Okay.", "Right.", "I see.", "Sure.", "Exactly.", "That is good.")
#: A back-channel or double talk needs an utterance of this length under it.
LONG_SECONDS = 3.0
ROOM_DBFS, LINE_DBFS = -60.0, -75.0
#: The reverberation of an echo: its length, and how fast it fades.
TAIL_SECONDS, FADES_SECONDS, TAIL_DB = 0.06, 0.015, -8.0
ECHOES_DB, ECHOES_MS = (-3, -6, -12, -20), (0, 5, 40, 200)


@dataclass(frozen=True)
class SpeakerScene:
    """How people talk, and how both sides sound.

    `overlap` is the share of the shorter of two turns in a row that is said at once. Levels are relative to
    the usual one; that of the echo is its level in the microphone, below the usual voice there.
    """

    gaps_seconds: tuple[float, float] = (0.1, 1.2)
    overlap: tuple[float, float] | None = None
    back_channels: float = 0.0
    double_talk: bool = False
    own: str = LAURA
    persons: int = 2
    near_db: float = 0.0
    far_db: float = 0.0
    echo_db: float | None = None
    echo_ms: float = 0.0
    telephone: bool = False
    silent: str | None = None  # somebody who says nothing


def _both(scene: SpeakerScene) -> tuple[SpeakerScene, ...]:
    return scene, replace(scene, own=JOE)


SCENES: dict[str, tuple[SpeakerScene, ...]] = {
    "headsets": _both(SpeakerScene()),
    "back-channels": _both(SpeakerScene((0.0, 0.4), back_channels=0.6)),
    "20 % overlap": _both(SpeakerScene(overlap=(0.1, 0.35))),
    "three people": _both(SpeakerScene(persons=3)),
    "telephone": _both(SpeakerScene(telephone=True)),
    "12 dB apart": (SpeakerScene(near_db=-12.0), SpeakerScene(far_db=-12.0)),
    **{
        f"echo {db} dB": tuple(
            SpeakerScene(own=own, echo_db=db, echo_ms=ms)
            for ms, own in zip(ECHOES_MS, (LAURA, JOE, LAURA, JOE), strict=True)
        )
        for db in ECHOES_DB
    },
    "echo -6 dB, 20 % overlap": _both(SpeakerScene(overlap=(0.1, 0.35), echo_db=-6.0, echo_ms=40.0)),
    "echo -6 dB, 12 dB apart": (
        SpeakerScene(near_db=-12.0, echo_db=-6.0, echo_ms=40.0),
        SpeakerScene(far_db=-12.0, echo_db=-6.0, echo_ms=40.0),
    ),
    "double talk": _both(SpeakerScene(double_talk=True)),
    "double talk, echo -6 dB": _both(SpeakerScene(double_talk=True, echo_db=-6.0, echo_ms=40.0)),
    "one side silent": (SpeakerScene(silent=LAURA), SpeakerScene(silent=JOE)),
}


def scene_calls(kind: str, minutes: float) -> Iterator[SpeakerCall]:
    """Yield the calls of a kind; the same kind and length give the same samples."""
    for number, scene in enumerate(SCENES[kind]):
        yield scene_call(kind, scene, minutes, seed=number + 1)


def scene_call(kind: str, scene: SpeakerScene, minutes: float, seed: int = 1) -> SpeakerCall:
    """Return a call of a scene."""
    chance = np.random.default_rng(seed)
    said = list(_conversation(scene, minutes, chance))
    frames = max(it.end for it in said) + SAMPLE_RATE_HZ
    sides = _sides(scene, *tracks(said, scene.own, frames), chance)
    name = f"{kind} {seed}" + (f", {scene.echo_ms:.0f} ms" if scene.echo_db is not None else "")
    utterances = tuple(it.utterance for it in sorted(said, key=lambda it: it.start))
    return SpeakerCall(
        kind, name, mixed(sides), utterances, sides, scene.own, has_echo=scene.echo_db is not None
    )


def _conversation(scene: SpeakerScene, minutes: float, chance: np.random.Generator) -> Iterator[Said]:
    last: Said | None = None
    for turn in _turns(scene, chance):
        samples = voice(turn.speaker, turn.text)
        start = _start(scene, last, len(samples), chance)
        if start > minutes * 60 * SAMPLE_RATE_HZ:
            return
        last = Said(turn.speaker, start, samples, turn.text)
        yield last
        under = _under(scene, last, chance)
        yield from under
        last = max((last, *under), key=lambda it: it.end)


def _turns(scene: SpeakerScene, chance: np.random.Generator) -> Iterator[Turn]:
    """Yield turns of the long call without end, from a random one on."""
    first = int(chance.integers(len(LONG_CALL)))
    for number in count(first):
        turn = LONG_CALL[number % len(LONG_CALL)]
        for part in _parts(turn) if scene.persons > 2 else (turn,):
            if part.speaker != scene.silent:
                yield part


def _parts(turn: Turn) -> Sequence[Turn]:
    """Share the sentences of Joe's turns with the third person."""
    sentences = re.split(r"(?<=[.?!]) ", turn.text)
    if turn.speaker != JOE or len(sentences) < 2:
        return (turn,)
    half = (len(sentences) + 1) // 2
    return Turn(JOE, " ".join(sentences[:half])), Turn(THIRD, " ".join(sentences[half:]))


def _start(scene: SpeakerScene, last: Said | None, frames: int, chance: np.random.Generator) -> int:
    if last is None:
        return SAMPLE_RATE_HZ // 2
    if scene.overlap:
        return last.end - round(chance.uniform(*scene.overlap) * min(frames, len(last.samples)))
    return last.end + round(chance.uniform(*scene.gaps_seconds) * SAMPLE_RATE_HZ)


def _under(scene: SpeakerScene, over: Said, chance: np.random.Generator) -> list[Said]:
    """Return what the listener says while somebody else speaks."""
    if len(over.samples) < LONG_SECONDS * SAMPLE_RATE_HZ:
        return []
    listener = JOE if over.speaker == LAURA else LAURA
    if chance.random() < scene.back_channels:
        text = BACK_CHANNELS[int(chance.integers(len(BACK_CHANNELS)))]
        start = over.start + round(chance.uniform(0.3, 0.8) * len(over.samples))
        return [Said(listener, start, voice(listener, text), text)]
    if scene.double_talk and listener == scene.own:
        own = [turn.text for turn in LONG_CALL if turn.speaker == listener and len(turn.text.split()) < 12]
        text = own[int(chance.integers(len(own)))]
        return [Said(listener, over.start + SAMPLE_RATE_HZ // 2, voice(listener, text), text)]
    return []


def voice(person: str, text: str) -> Samples:
    """Return what a person says, from its first sound to its last."""
    speaker = JOE if person == THIRD else person
    samples = speak([Turn(speaker, text)], pause_seconds=(0.0, 0.0)).samples
    if person == THIRD:
        samples = soxr.resample(samples, SAMPLE_RATE_HZ * HIGHER, SAMPLE_RATE_HZ)
    return (trimmed(samples, 0.02) * SPEECH_LEVEL).astype(np.float32)


def _sides(scene: SpeakerScene, near: Samples, far: Samples, chance: np.random.Generator) -> Pair:
    if scene.telephone:
        far = through_a_telephone(far)
    microphone = near * _gain(scene.near_db)
    if scene.echo_db is not None:
        microphone = microphone + echoed(far, scene.echo_ms, chance) * _gain(scene.echo_db)
    return Pair(
        (microphone + _noise(near, ROOM_DBFS, chance)).astype(np.float32),
        (far * _gain(scene.far_db) + _noise(near, LINE_DBFS, chance)).astype(np.float32),
    )


def echoed(far: Samples, delay_ms: float, chance: np.random.Generator) -> Samples:
    """Return the far side as a microphone hears it from a loudspeaker in a room, late, at its own level."""
    times = np.arange(round(TAIL_SECONDS * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tail = chance.standard_normal(len(times)) * np.exp(-times / FADES_SECONDS)
    response = tail * _gain(TAIL_DB) / np.sqrt(np.sum(np.square(tail)))
    response[0] = 1.0
    late = np.concatenate([np.zeros(round(delay_ms / 1000 * SAMPLE_RATE_HZ), np.float32), far])
    frames = len(late) + len(response)
    found = np.fft.irfft(np.fft.rfft(late, frames) * np.fft.rfft(response, frames), frames)
    return found[: len(far)].astype(np.float32)


def _gain(db: float) -> float:
    return float(10 ** (db / 20))


def _noise(like: Samples, dbfs: float, chance: np.random.Generator) -> Samples:
    seconds = (len(like) + 1) / SAMPLE_RATE_HZ
    return NOISES["pink"](seconds, dbfs, int(chance.integers(2**31)))[: len(like)]
