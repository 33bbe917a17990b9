"""The engine as its worker sees it: a child process that may hang, die or refuse at any moment."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from shared.errors import BadRecording, EngineCrashed, EngineFailed, EngineUnusable
from shared.priority import NICENESS
from shared.settings import RecordOptions
from tests.conftest import skip_or_fail
from tests.voices import SAMPLE_RATE_HZ, Call, word_error_rate, write_wav
from transcribe_worker.engine.exits import exit_in_words
from transcribe_worker.engine.messages import Decoded, Done, Job, Load, Opened
from transcribe_worker.engine.setup import Wishes
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.model_files import bundled_folder

OPTIONS = RecordOptions()
posix_only = pytest.mark.skipif(os.name == "nt", reason="needs signals")


def choice(folder: Path | None = None) -> Load:
    found = folder or bundled_folder()
    if found is None:
        skip_or_fail("the model tiny.en is not installed")
    return Load("tiny.en", found, Wishes("cpu", "int8"))


@pytest.fixture
def engine() -> Iterator[Engine]:
    with closing(Engine(silence_seconds=20.0)) as engine:
        yield engine


@pytest.fixture
def sentence(short_call: Call, tmp_path: Path) -> Path:
    """The first sentence of a call: some transcript, quickly."""
    write_wav(path := tmp_path / "sentence.wav", short_call.samples[: 5 * SAMPLE_RATE_HZ])
    return path


def nothing() -> None:
    """A heartbeat that lets the work go on."""


class Stopped(Exception):
    """The worker has had enough."""


def test_events_tell_of_a_recording_in_order(engine: Engine, short_wav: Path, short_call: Call) -> None:
    engine.load(choice())
    events = list(engine.transcribe(Job(short_wav, OPTIONS), nothing))
    assert isinstance(events[0], Opened)
    assert isinstance(events[-1], Done)
    assert events[-1].duration_seconds == pytest.approx(short_call.duration_seconds, abs=0.001)
    decoded = [event for event in events if isinstance(event, Decoded)]
    text = " ".join(
        segment.text for event in decoded for window in event.windows for segment in window.segments
    )
    assert word_error_rate(short_call.words, text) < 0.15


def test_the_model_is_loaded_once_for_many_recordings(engine: Engine, sentence: Path) -> None:
    pids = set()
    for _ in range(3):
        engine.load(choice())
        list(engine.transcribe(Job(sentence, OPTIONS), nothing))
        pids.add(engine.pid)
    assert len(pids) == 1


def test_a_bad_recording_is_refused_and_the_next_goes_on(
    engine: Engine, sentence: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no recording at all")
    engine.load(choice())
    pid = engine.pid
    with pytest.raises(BadRecording, match=r"bad\.wav seems to be text") as refused:
        list(engine.transcribe(Job(bad, OPTIONS), nothing))
    assert refused.value.code == "not_a_recording"
    assert list(engine.transcribe(Job(sentence, OPTIONS), nothing))
    assert engine.pid == pid


def test_an_error_in_the_engine_is_told_as_one_line(engine: Engine, sentence: Path) -> None:
    engine.load(choice())
    with pytest.raises(EngineFailed) as failed:
        list(engine.transcribe(Job(sentence, replace(OPTIONS, beam_size=-1)), nothing))
    assert "\n" not in str(failed.value)


@posix_only
@pytest.mark.parametrize("is_background", [True, False])
def test_every_thread_that_works_in_the_background_has_a_low_priority(
    engine: Engine, sentence: Path, is_background: bool
) -> None:
    engine.load(replace(choice(), is_background=is_background))
    assert list(engine.transcribe(Job(sentence, OPTIONS), nothing))
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    wanted = max(usual, NICENESS) if is_background else usual
    assert os.getpriority(os.PRIO_PROCESS, pid_of(engine)) == wanted
    assert {niceness for niceness, ticks in threads_of(pid_of(engine)) if ticks >= 10} <= {wanted}


@posix_only
def test_a_killed_engine_is_told_by_its_signal_and_the_next_job_starts_another(
    engine: Engine, sentence: Path
) -> None:
    engine.load(choice())
    events = engine.transcribe(Job(sentence, OPTIONS), nothing)
    assert isinstance(next(events), Opened)
    os.kill(pid_of(engine), signal.SIGKILL)
    with pytest.raises(EngineCrashed, match="SIGKILL"):
        list(events)
    engine.load(choice())
    assert list(engine.transcribe(Job(sentence, OPTIONS), nothing))


@posix_only
def test_an_engine_that_hangs_is_ended(sentence: Path) -> None:
    with closing(Engine(silence_seconds=20.0)) as engine:
        engine.load(choice())
        hung = pid_of(engine)
        engine._silence_seconds = 1.0
        os.kill(hung, signal.SIGSTOP)
        with pytest.raises(EngineCrashed, match="made no progress for 1 s"):
            list(engine.transcribe(Job(sentence, OPTIONS), nothing))
        with pytest.raises(ProcessLookupError):
            os.kill(hung, 0)


@posix_only
def test_one_death_while_loading_is_an_accident_and_two_are_not(tmp_path: Path) -> None:
    died = tmp_path / "died"
    once = f"import os, pathlib, runpy; p = pathlib.Path({str(died)!r})\n"
    once += "if not p.exists():\n    p.touch()\n    os.kill(os.getpid(), 9)\n"
    once += "runpy.run_module('transcribe_worker.recognizer', run_name='__main__')"
    with closing(Engine([sys.executable, "-c", once])) as engine:
        engine.load(choice())
    with closing(Engine([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])) as engine:
        with pytest.raises(EngineUnusable, match=r"The model tiny.en cannot be loaded.*SIGKILL"):
            engine.load(choice())


def test_a_model_that_is_none_is_unusable(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"no model")
    with pytest.raises(EngineUnusable, match=r"The model tiny.en cannot be loaded"):
        engine.load(choice(tmp_path))


def test_a_model_of_which_a_file_is_missing_is_unusable_and_no_recording_is(
    engine: Engine, tmp_path: Path
) -> None:
    for file in Path(choice().folder).iterdir():
        if file.name != "tokenizer.json":
            shutil.copyfile(file, tmp_path / file.name)
    with pytest.raises(EngineUnusable, match=r"The model tiny.en cannot be loaded"):
        engine.load(choice(tmp_path))


def test_an_engine_asks_nobody_outside_for_files_of_a_model(tmp_path: Path) -> None:
    code = "import os; from huggingface_hub import constants; raise SystemExit(constants.HF_HUB_OFFLINE + 10)"
    with closing(Engine([sys.executable, "-c", code])) as engine:
        with pytest.raises(EngineUnusable, match="exit code 11"):
            engine.load(choice(tmp_path))


def test_a_model_that_does_not_load_does_not_spoil_the_one_before(
    engine: Engine, sentence: Path, tmp_path: Path
) -> None:
    engine.load(choice())
    with pytest.raises(EngineUnusable):
        engine.load(choice(tmp_path))
    engine.load(choice())
    assert isinstance(list(engine.transcribe(Job(sentence, OPTIONS), nothing))[-1], Done)


def test_an_engine_that_cannot_be_started_is_unusable(tmp_path: Path) -> None:
    with closing(Engine([str(tmp_path / "no such program")])) as engine:
        with pytest.raises(EngineUnusable, match="cannot be started"):
            engine.load(choice())


def test_a_heartbeat_that_raises_ends_the_job_and_the_next_goes_on(engine: Engine, sentence: Path) -> None:
    engine.load(choice())
    beats = iter(range(2))

    def beat() -> None:
        if next(beats, None) is None:
            raise Stopped

    with pytest.raises(Stopped):
        list(engine.transcribe(Job(sentence, OPTIONS), beat))
    engine.load(choice())
    assert list(engine.transcribe(Job(sentence, OPTIONS), nothing))


@posix_only
def test_an_engine_that_does_not_let_go_is_killed(engine: Engine, sentence: Path) -> None:
    engine.load(choice())
    pid = pid_of(engine)

    def beat() -> None:
        os.kill(pid, signal.SIGSTOP)
        raise Stopped

    with pytest.raises(Stopped):
        list(engine.transcribe(Job(sentence, OPTIONS), beat))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize(
    ("code", "words"), [(-9, "SIGKILL"), (-200, "signal 200"), (1, "exit code 1"), (0xC0000409, "0xC0000409")]
)
def test_how_a_process_ended_is_said_as_its_system_says_it(code: int, words: str) -> None:
    assert words in exit_in_words(code)


def threads_of(pid: int) -> list[tuple[int, int]]:
    """The niceness of each thread, and the ticks of processor time that it took; none outside of Linux."""
    stats = [
        stat.read_text("ascii").rpartition(")")[2].split()
        for stat in Path(f"/proc/{pid}/task").glob("*/stat")
    ]
    return [(int(fields[16]), int(fields[11]) + int(fields[12])) for fields in stats]


def pid_of(engine: Engine) -> int:
    assert engine.pid
    return engine.pid
