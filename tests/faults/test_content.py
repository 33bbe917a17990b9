"""Recordings that are broken, odd, deceitful, without speech, very short or very long, and real workers."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from tests.conftest import skip_or_fail
from tests.recordings import FLOAT, PCM, encoded, extensible, fmt, pcm, rf64, w64, wav
from tests.stage import Stage, engine_of
from tests.voices import SHORT_CALL, Call, speak, word_error_rate, write_wav

RATE_HZ = 16_000
#: As many bytes as the header of `tests.recordings.wav` has.
HEADER_BYTES = 44
SENTENCES = SHORT_CALL[2:4]
Samples = NDArray[np.float32]


@pytest.fixture(scope="module")
def offhook(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A home whose inbox is patient with what is cut short for three seconds only."""
    folder = tmp_path_factory.mktemp("content")
    return Stage(folder / "home", (("OFFHOOK_SETTLE_SECONDS", "0.2"),))


@pytest.fixture(scope="module", autouse=True)
def worker(offhook: Stage) -> Iterator[subprocess.Popen[str]]:
    """The worker of that home, with its inbox."""
    with offhook.process("transcribe_worker") as worker, offhook.process("transcribe_worker.inbox"):
        offhook.wait_for(lambda: {"worker", "inbox"} <= set(offhook.running()), "worker and inbox")
        yield worker


@pytest.fixture(scope="module")
def sentences() -> Call:
    """What is said in the files whose form is what matters."""
    return speak(SENTENCES)


def saved(folder: Path, files: dict[str, bytes]) -> list[Path]:
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]


def finished(offhook: Stage, paths: list[Path]) -> dict[str, dict[str, Any]]:
    """Drop files into the inbox; when all are finished, what `show` says of each, by its file name."""
    for path in paths:
        offhook.drop(path)
    records = {path.name: offhook.finished(path.stem) for path in paths}
    return {name: offhook.read("show", str(record["id"])) for name, record in records.items()}


def text_of(shown: dict[str, Any]) -> str:
    return " ".join(segment["text"] for segment in shown["transcript"])


# What is no recording


def bad_files(speech: bytes) -> dict[str, tuple[bytes, str]]:
    """Files that are no use: name -> content and the code of the error."""
    return {
        "empty.wav": (b"", "empty_file"),
        "header only.wav": (speech[:40] + bytes(4), "no_audio"),
        "cut header.wav": (speech[:30], "damaged_header"),
        "text.wav": (b"Dear Sir or Madam,\nthis is no recording.\n", "not_a_recording"),
        "picture.wav": (b"\x89PNG\r\n\x1a\n" + bytes(1000), "not_a_recording"),
    }


#: What a person reads in `offhook status`, by the code of the error.
REMEDIES = {
    "empty_file": "Look for the original",
    "no_audio": "Look for the original",
    "damaged_header": "Look for the original; a sound editor may import",
    "not_a_recording": "offhook reads WAV, FLAC",
}


def test_bad_files_fail_at_once_with_reason_and_remedy_and_are_never_tried_again(
    offhook: Stage, short_wav: Path, tmp_path: Path
) -> None:
    """The sweeper has looked at all of them when it finds a good one whose hint was lost."""
    bad = bad_files(short_wav.read_bytes())
    for path in saved(tmp_path, {name: content for name, (content, _) in bad.items()}):
        offhook.drop(path)
    for name in bad:
        offhook.finished(Path(name).stem)
    sweep(offhook, short_wav)
    status = offhook.offhook("status").stdout
    found = {record["title"]: record for record in offhook.records()}
    for name, (_, code) in bad.items():
        record = found[Path(name).stem]
        assert (name, record["status"], record["error_code"]) == (name, "failed", code)
        assert (record["attempts"], record["crashes"], record["next_attempt_at"]) == (1, 0, None)
        assert (offhook.inbox / name).exists()
        assert record["error"] in status
        assert REMEDIES[code] in record["error"]
        shown = offhook.offhook("show", str(record["id"]))
        assert record["error"] in shown.stdout
        assert "Traceback" not in shown.stdout + shown.stderr


def sweep(offhook: Stage, recording: Path) -> None:
    """Wait until the sweeper has found a good recording, of which nothing but the database knows."""
    assert offhook.offhook("pause").returncode == 0
    assert offhook.offhook("add", recording, "--title", "found by the sweep").returncode == 0
    with closing(sqlite3.connect(offhook.home / "queue.db", isolation_level=None)) as queue:
        queue.execute("DELETE FROM task")
    assert offhook.offhook("resume").returncode == 0
    assert offhook.finished("found by the sweep")["status"] == "completed"


# What a header says wrongly


def test_a_header_with_a_wrong_length_loses_no_word_and_is_flagged(
    offhook: Stage, short_call: Call, tmp_path: Path
) -> None:
    audio = pcm(short_call.samples.astype(np.float64))
    second = 2 * RATE_HZ
    stated = {
        "no length": (0, "header_size_missing"),
        "unknown length": (0xFFFFFFFF, "header_size_missing"),
        "length of an hour ago": (second, "header_size_stale"),
        "cut short": (len(audio) + 60 * second, "cut_short"),
    }
    files = {f"{name}.wav": wav(fmt(), audio, size) for name, (size, _) in stated.items()}
    found = finished(offhook, saved(tmp_path, files))
    for name, (_, flag) in stated.items():
        record = found[f"{name}.wav"]
        assert (name, record["status"], record["flags"]) == (name, "completed", [flag])
        assert record["duration_seconds"] == pytest.approx(short_call.duration_seconds, abs=0.01)
        assert word_error_rate(short_call.words, text_of(record)) < 0.15, (name, text_of(record))
        assert notes(offhook, record) == [FLAG_NOTES[flag]]


#: What `offhook show` says of a flag.
FLAG_NOTES = {
    "header_size_missing": "its header gives no length, as when a recorder was killed; all audio was used",
    "header_size_stale": "its header gives too short a length; all audio was used",
    "cut_short": "the file ends before its header says; what is there was used",
}


def notes(offhook: Stage, record: dict[str, Any]) -> list[str]:
    shown = offhook.offhook("show", str(record["id"])).stdout.splitlines()
    return [line.removeprefix("Note:").strip() for line in shown if line.startswith("Note:")]


# What a recording may be made of


def dialects(speech: Samples) -> dict[str, bytes]:
    """The same speech in whatever a WAV may be."""

    def at(rate: int) -> NDArray[np.float64]:
        return soxr.resample(speech, RATE_HZ, rate).astype(np.float64)

    broken = at(48_000)
    broken[::4_800], broken[7::9_600], broken[9::9_600] = np.nan, np.inf, -np.inf
    surround = np.zeros((len(speech), 6))
    surround[:, 2] = speech  # the centre
    plain = at(RATE_HZ)
    return {
        **{f"{bits} bit": wav(fmt(bits=bits), pcm(plain, bits)) for bits in (8, 16, 24, 32)},
        **{f"{rate} Hz": wav(fmt(rate=rate), pcm(at(rate))) for rate in RATES_HZ},
        "float": wav(fmt(FLOAT, rate=48_000, bits=32), broken.astype("<f4").tobytes()),
        "double": wav(fmt(FLOAT, rate=48_000, bits=64), broken.astype("<f8").tobytes()),
        "mu-law": encoded("wav", "pcm_mulaw", 8_000, sound=at(8_000)),
        "A-law": encoded("wav", "pcm_alaw", 8_000, sound=at(8_000)),
        "extensible": wav(extensible(PCM, 1, RATE_HZ, 24), pcm(plain, 24)),
        "6 channels": wav(extensible(PCM, 6, RATE_HZ, 16), pcm(surround.reshape(-1))),
        "RF64": rf64(fmt(), pcm(plain)),
        "RIFX": wav(fmt(order=">"), pcm(plain, order=">"), order=">"),
        "Wave64": w64(fmt(), pcm(plain[: len(plain) // 4 * 4])),
    }


RATES_HZ = (8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000)


def test_whatever_a_wav_is_made_of_its_words_are_heard(
    offhook: Stage, sentences: Call, tmp_path: Path
) -> None:
    files = {f"{name}.wav": content for name, content in dialects(sentences.samples).items()}
    done = offhook.offhook("transcribe", *saved(tmp_path, files), "--json")
    assert done.returncode == 0, done.stderr
    records = {record["title"]: record for record in json.loads(done.stdout)["records"]}
    assert len(records) == len(files)
    for name, record in records.items():
        assert (name, record["status"], record["flags"]) == (name, "completed", [])
        assert record["duration_seconds"] == pytest.approx(sentences.duration_seconds, abs=0.01)
        assert word_error_rate(sentences.words, record["text"]) < 0.15, (name, record["text"])


# What would have the decoder open another file


TARGET = "the other recording.wav"
SCRIPTS = {
    "ffconcat": f"ffconcat version 1.0\nfile '{TARGET}'\n",
    "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{TARGET}\n#EXT-X-ENDLIST\n",
    "m3u8 after a tag": "ID3\x04\0\0\0\0\0\0" + f"#EXTM3U\n#EXTINF:9,\n{TARGET}\n",
    "m3u8 in a WAV": "RIFF\x40\0\0\0WAVE" + f"#EXTM3U\n#EXTINF:9,\n{TARGET}\n",
    "m3u8 like an MP4": "#EX\nftypM4A #EXTM3U\n" + f"#EXTINF:9,\n{TARGET}\n",
}


def test_a_script_for_the_decoder_is_refused_and_no_other_file_opened(
    stage: Stage, sentences: Call, tmp_path: Path
) -> None:
    """Watched are the system calls of all processes: the command, which has no worker, and its engine."""
    if shutil.which("strace") is None:
        skip_or_fail("strace is not installed")
    write_wav(tmp_path / TARGET, sentences.samples)
    scripts = saved(
        tmp_path,
        {
            f"{name} as{suffix}": f"{script}".encode("latin-1")
            for name, script in SCRIPTS.items()
            for suffix in (".wav", ".mp3", ".m4a")
        },
    )
    log = tmp_path / "strace.log"
    trace = ["strace", "-f", "--seccomp-bpf", "-e", "trace=open,openat,openat2", "-s", "999", "-o", str(log)]
    command = [*trace, sys.executable, "-m", "offhook", "transcribe", *map(str, scripts), "--json"]
    done = subprocess.run(
        command, cwd=tmp_path, env=stage.environment, capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 1, done.stderr
    records = json.loads(done.stdout)["records"]
    assert len(records) == len(scripts)
    for record in records:
        assert (record["status"], record["attempts"]) == ("failed", 1), record
        assert record["error_code"] in ("not_a_recording", "damaged_header"), record
    opened = log.read_text()
    assert all(script.name in opened for script in scripts)
    assert TARGET not in opened


# What has no speech in it


def without_speech() -> dict[str, Samples]:
    """Name -> sound."""
    t = np.arange(15 * RATE_HZ) / RATE_HZ
    white = np.random.default_rng(1).normal(size=len(t))
    hum = sum(np.sin(2 * np.pi * 50 * k * t) / k for k in (1, 2, 3, 5, 7))
    ringing = (np.sin(2 * np.pi * 440 * t) + np.sin(2 * np.pi * 480 * t)) * (t % 6 < 2)
    sounds = {
        "silence": 0 * t,
        "loud noise": 0.2 * white,
        "quiet noise": 0.003 * white,
        "hum": 0.1 * hum + 0.003 * white,
        "ringing": 0.3 * ringing,
        "melody": melody(len(t)),
    }
    return {name: sound.astype(np.float32) for name, sound in sounds.items()}


def melody(frames: int) -> NDArray[np.float64]:
    """Plucked notes over a bass, with overtones: five notes in two seconds."""
    sound = np.zeros(frames + RATE_HZ)
    t = np.arange(RATE_HZ) / RATE_HZ
    for number, at in enumerate(range(0, frames, round(0.4 * RATE_HZ))):
        for hz in (NOTES_HZ[number % 8], NOTES_HZ[3 * number % 8] / 2):
            overtones = sum(np.sin(2 * np.pi * hz * k * t) / k**1.5 for k in range(1, 6))
            sound[at : at + RATE_HZ] += 0.15 * overtones * np.exp(-3 * t)
    return sound[:frames]


NOTES_HZ = (262, 330, 392, 523, 440, 349, 294, 392)


def test_nothing_is_invented_where_nobody_speaks(offhook: Stage, tmp_path: Path) -> None:
    sounds = without_speech()
    paths = [tmp_path / f"{name}.wav" for name in sounds]
    for path, sound in zip(paths, sounds.values(), strict=True):
        write_wav(path, sound)
    for name, record in finished(offhook, paths).items():
        assert (name, record["status"], record["error"]) == (name, "completed", None)
        assert (name, record["transcript"]) == (name, [])


# What is very short or very long


def test_a_tenth_of_a_second_is_completed(offhook: Stage, sentences: Call, tmp_path: Path) -> None:
    write_wav(tmp_path / "short.wav", sentences.samples[2 * RATE_HZ :][: RATE_HZ // 10])
    (record,) = finished(offhook, [tmp_path / "short.wav"]).values()
    assert (record["status"], record["error"], record["flags"]) == ("completed", None, [])
    assert record["duration_seconds"] == pytest.approx(0.1)


def mostly_silent(path: Path, speech: bytes, header: bytes, audio_bytes: int) -> Path:
    """A recording of so many bytes of audio: the same speech at its start and its end, a hole between."""
    with path.open("wb") as file:
        file.write(header + speech)
        file.truncate(len(header) + audio_bytes)
        file.seek(-len(speech), os.SEEK_END)
        file.write(speech)
    if getattr(path.stat(), "st_blocks", 0) * 512 > max(2**30, 3 * len(speech)):
        path.unlink()
        pytest.skip("files cannot have holes here")
    return path


def heard(offhook: Stage, path: Path) -> dict[str, Any]:
    """Have a recording transcribed where it is; what `show` says of it."""
    assert offhook.offhook("add", path).returncode == 0
    return offhook.read("show", str(offhook.finished(path.stem)["id"]))


def peak_megabytes(pid: int) -> float:
    """The most memory that a process has ever had (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1000


@pytest.mark.parametrize(("short", "long"), [(8, 33), pytest.param(10, 60, marks=pytest.mark.long)])
def test_memory_does_not_grow_with_the_length_of_a_recording(
    offhook: Stage, worker: subprocess.Popen[str], sentences: Call, tmp_path: Path, short: int, long: int
) -> None:
    """The samples of 25 minutes more would take 96 MB, and again each copy.

    An engine's second recording takes up to 25 MB more than its first, so one goes before. One of 5 minutes
    has one stretch of full length, and takes up to 38 MB less than one with many.
    """
    rate = 8_000
    speech = pcm(soxr.resample(sentences.samples, RATE_HZ, rate).astype(np.float64))
    peaks = {}
    for minutes in (short - 1, short, long):
        size = minutes * 60 * 2 * rate
        path = mostly_silent(
            tmp_path / f"{minutes} minutes.wav", speech, wav(fmt(rate=rate), b"", size), size
        )
        record = heard(offhook, path)
        assert (record["status"], record["flags"]) == ("completed", [])
        assert record["duration_seconds"] == minutes * 60
        assert word_error_rate(f"{sentences.words} {sentences.words}", text_of(record)) < 0.15
        peaks[minutes] = peak_megabytes(engine_of(worker))
    print(f"at most {peaks[short]:.0f} MB, then {peaks[long]:.0f} MB")
    samples_megabytes = (long - short) * 60 * RATE_HZ * 4 / 1e6
    assert peaks[long] - peaks[short] < samples_megabytes / 2


@pytest.mark.long
def test_a_recording_beyond_4_gib_is_heard_to_its_end(
    offhook: Stage, sentences: Call, tmp_path: Path
) -> None:
    """Of 16 wide channels, so that 4 GiB are only 23 minutes."""
    channels, rate, width = 16, 48_000, 4
    voice = soxr.resample(sentences.samples, RATE_HZ, rate).astype(np.float64)
    speech = pcm(np.repeat(voice, channels), 8 * width)
    seconds = 2**32 // (channels * rate * width) + 10
    size = seconds * channels * rate * width
    header = rf64(extensible(PCM, channels, rate, 8 * width), b"", size)
    record = heard(offhook, mostly_silent(tmp_path / "beyond 4 GiB.wav", speech, header, size))
    assert (record["status"], record["error"], record["flags"]) == ("completed", None, [])
    assert record["duration_seconds"] == seconds
    assert word_error_rate(f"{sentences.words} {sentences.words}", text_of(record)) < 0.15
    assert record["transcript"][-1]["start_seconds"] > seconds - 15
