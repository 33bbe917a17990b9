"""Calls are transcribed while they are recorded: by a real worker, in one home for most of these tests."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from archive.library import Library
from capture_worker import RecordingSession
from shared.settings import Settings
from shared.store.captures import WAITING
from shared.store.store import Store
from shared.workers import Presence
from tests.faults.whole_homes import WORKER, archived, running
from tests.integration.test_limits import MODEL_THAT_DOES_FIRST
from tests.live_recorder import (
    Recorder,
    completed,
    counts,
    decoded_again,
    live_of,
    nothing_live,
    recorded,
)
from tests.remains import remains
from tests.stage import Stage, live_engine_of
from tests.standstill import peek, under_way
from tests.voices import FAR, NEAR, SHORT_CALL, Call, Turn, again_and_again, speak, write_wav
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.live import following
from transcribe_worker.live.finishing import Finisher
from transcribe_worker.live.follower import Follower
from transcribe_worker.model_files import bundled_folder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds engines in /proc")
Samples = NDArray[np.float32]
#: A model that takes 2 s more for a window, and says after 5 s of speech how fast it is.
SLOW_ENGINE = f"""
import time
from transcribe_worker.recognition import pipeline
pipeline.SHORTEST_FOR_SPEED_SECONDS = 5.0
{MODEL_THAT_DOES_FIRST.format(first="encode=lambda: time.sleep(2)")}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, quick_words: None) -> Iterator[Stage]:
    """A home in which a worker runs; it listens for names."""
    stage = Stage(tmp_path_factory.mktemp("live") / "home", (("OFFHOOK_NAMES_AS_HOTWORDS", "true"),))
    with running(stage, WORKER):
        yield stage


@pytest.fixture
def said(short_call: Call) -> Samples:
    return short_call.samples


def log_of(stage: Stage) -> str:
    return (stage.home / "logs" / "worker.log").read_text()


def is_followed(stage: Stage, recorder: Recorder) -> bool:
    """Whether there is text of a running call."""
    live = live_of(stage, recorder.session_id)
    return bool(live and live["heard_seconds"] > 0)


def followed(stage: Stage, recorder: Recorder) -> None:
    stage.wait_for(lambda: is_followed(stage, recorder), "the call to be followed")


def completed_at_its_end(stage: Stage, record_id: int) -> bool:
    return f"recording {record_id}: completed at the end of its call" in log_of(stage)


# The whole way


def test_a_call_is_transcribed_while_it_is_recorded_with_the_words_that_its_file_has(
    home: Stage, tmp_path: Path
) -> None:
    """With the recorder's own levels, by which the speakers are told apart."""
    near, far = speak(NEAR), speak(FAR)
    write_wav(tmp_path / "near.wav", near.samples)
    write_wav(tmp_path / "far.wav", np.concatenate([np.zeros_like(near.samples), far.samples]))
    with session(home, tmp_path / "near.wav", tmp_path / "far.wav") as recording:
        session_id = recording.start(title="Interview")["session_id"]
        home.wait_for(
            lambda: recording.get_state()["duration_seconds"] > near.duration_seconds + far.duration_seconds,
            "the call",
        )
        shown = peek(home.database, f"SELECT provisional FROM live_calls WHERE session_id = '{session_id}'")
        record_id = recording.stop()["record_id"]
        words = completed(home, record_id)
    assert "morning" in shown[0][0]
    assert counts(home, record_id) == ("completed", 1, 0)
    assert completed_at_its_end(home, record_id)
    assert {speaker for _, _, speaker, *_ in words[1]} == {"me", "them"}
    archived(home, "Interview")
    assert decoded_again(home, record_id) == words


def session(stage: Stage, microphone: Path, loopback: Path | None = None) -> closing[RecordingSession]:
    """A recorder in the home of a stage, over files in the place of devices."""
    devices = {"microphone": f"replay:{microphone}", "loopback": f"replay:{loopback}" if loopback else "none"}
    return closing(RecordingSession(replace(Settings(home=stage.home), **devices)))


# What a person wants


def test_a_call_that_is_not_to_be_followed_is_left_to_the_queue(home: Stage, said: Samples) -> None:
    with recorded(home, said, columns={"live": False}, faster=100) as recorder:
        record = recorder.all_of_it().hang_up()
        words = completed(home, record.id)
    assert counts(home, record.id) == ("completed", 1, 0)
    assert f"call {recorder.session_id}" not in log_of(home)
    assert words[0]


def test_a_recording_that_waits_for_a_person_keeps_its_text_and_is_completed_when_it_is_attached(
    home: Stage, said: Samples
) -> None:
    with recorded(home, said) as recorder:
        followed(home, recorder)
        recorder.all_of_it().end(WAITING)
        home.wait_for(lambda: state_of(home, recorder) == "ended", "the end of the call")
        assert peek(home.database, "SELECT count(*) FROM live_windows") != [(0,)]
        record = recorder.hand_over()
        words = completed(home, record.id)
    assert counts(home, record.id) == ("completed", 1, 0)
    assert f"recording {record.id}: takes over" in log_of(home)
    assert nothing_live(home)
    assert decoded_again(home, record.id) == words


def state_of(stage: Stage, recorder: Recorder) -> str | None:
    live = live_of(stage, recorder.session_id)
    return live["state"] if live else None


def test_a_call_that_is_discarded_stops_its_engine_and_leaves_no_word(stage: Stage, tmp_path: Path) -> None:
    write_wav(
        tmp_path / "said.wav", speak([Turn("joe", "The warehouse sells kitchen furniture.")] * 3).samples
    )
    with running(stage, WORKER) as (worker,), session(stage, tmp_path / "said.wav") as recording:
        recording.start()
        provisional = "SELECT provisional FROM live_calls"
        stage.wait_for(lambda: "kitchen" in str(peek(stage.database, provisional)), "the first words")
        assert live_engine_of(worker)
        recording.discard()
        stage.wait_for(lambda: live_engine_of(worker) is None, "the engine to end")
        stage.wait_for(lambda: not remains(stage.home, ["kitchen", "warehouse"]), "the words to go")
        assert nothing_live(stage)
        assert stage.records() == []


def test_a_call_whose_candidate_is_named_meanwhile_is_decoded_again_with_that_name(
    home: Stage, said: Samples
) -> None:
    with recorded(home, said) as recorder:
        followed(home, recorder)
        recorder.attach("Okafor")
        record = recorder.all_of_it().hang_up()
        words = completed(home, record.id)
    assert counts(home, record.id) == ("completed", 1, 0)
    assert not completed_at_its_end(home, record.id)
    assert f"recording {record.id}: takes over" not in log_of(home)
    assert nothing_live(home)
    assert decoded_again(home, record.id) == words


def test_a_call_that_ends_before_an_engine_is_ready_is_completed_by_the_queue(
    home: Stage, said: Samples
) -> None:
    with recorded(home, said, faster=1000) as recorder:
        recorder.all_of_it()
        home.wait_for(lambda: live_of(home, recorder.session_id), "a worker")
        record = recorder.hang_up()
        words = completed(home, record.id)
    assert counts(home, record.id) == ("completed", 1, 0)
    assert f"call {recorder.session_id}: not followed further" not in log_of(home)
    assert words[0]


# The queue


def test_queued_recordings_wait_for_a_call_and_the_one_under_way_goes_on_after_it(
    home: Stage, short_call: Call, said: Samples, tmp_path: Path
) -> None:
    write_wav(tmp_path / "long.wav", again_and_again(short_call, 8).samples)
    (long_id,) = (record["id"] for record in home.read("add", tmp_path / "long.wav")["records"])
    under_way(home, "long")
    with recorded(home, said, faster=1) as recorder:
        home.wait_for(lambda: counts(home, long_id) == ("queued", 0, 0), "the queue to wait")
        done_seconds = peek(home.database, "SELECT count(*) FROM decoded_windows")
        followed(home, recorder)
        assert counts(home, long_id) == ("queued", 0, 0)
        record = recorder.hang_up()
        completed(home, record.id)
    assert done_seconds > [(0,)]
    completed(home, long_id)
    assert counts(home, long_id) == ("completed", 1, 0)


def test_queued_recordings_go_on_beside_a_call_that_shares_and_a_worker_that_comes_late_follows_it(
    stage: Stage, said: Samples, short_wav: Path
) -> None:
    stage = replace(stage, settings=(("OFFHOOK_LIVE_QUEUE", "share"),))
    with recorded(stage, np.tile(said, 2), faster=1.5) as recorder:
        stage.wait_for(lambda: recorder.seconds > 3, "the call")
        with running(stage, WORKER), running(stage, WORKER):
            followed(stage, recorder)
            stage.offhook("add", short_wav)
            other = stage.finished(short_wav.stem)
            assert state_of(stage, recorder) == "following"
            record = recorder.hang_up()
            words = completed(stage, record.id)
            assert counts(stage, other["id"]) == counts(stage, record.id) == ("completed", 1, 0)
            assert log_of(stage).count(f"call {recorder.session_id}: followed") == 1
            assert completed_at_its_end(stage, record.id)
            assert decoded_again(stage, record.id) == words


# What keeps it from being followed


def test_a_call_without_its_model_is_off_with_the_reason_and_transcribed_when_the_model_is_there(
    stage: Stage, said: Samples
) -> None:
    stage = replace(stage, settings=(("OFFHOOK_MODEL", "small.en"),))
    with running(stage, WORKER), recorded(stage, said) as recorder:
        stage.wait_for(lambda: state_of(stage, recorder) == "off", "it to be off")
        assert "offhook models pull small.en" in live_of(stage, recorder.session_id)["why"]
        record = recorder.all_of_it().hang_up()
        assert counts(stage, record.id) == ("queued", 0, 0)
        folder = bundled_folder()
        assert folder
        (stage.home / "models" / "small.en").symlink_to(folder)
        completed(stage, record.id)
        assert counts(stage, record.id) == ("completed", 1, 0)
        assert nothing_live(stage)


@pytest.fixture
def slow(settings: Settings, store: Store, tmp_path: Path) -> Iterator[Follower]:
    """A worker's follower with a model that is too slow."""
    presence, stopping = Presence(store, settings.locks, "worker").enter(), threading.Event()
    finisher = Finisher(
        settings, store, Library(settings, store), presence.worker_id, stopping, lambda record: None
    )
    engine = Engine([sys.executable, "-c", SLOW_ENGINE])
    follower = Follower(
        settings, store, presence.worker_id, engine, stopping, lambda state: None, finisher, lambda: None
    )
    thread = threading.Thread(target=follower.run)
    thread.start()
    yield follower
    stopping.set()
    thread.join()
    presence.leave()


def test_a_model_that_is_too_slow_is_given_up_with_the_reason(
    slow: Follower, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = Stage(settings.home)
    monkeypatch.setattr(following, "LEAST_SPEED", 5.0)
    said = speak(SHORT_CALL, pause_seconds=(3.0, 3.0)).samples  # each pause ends a window
    with recorded(stage, said) as recorder:
        stage.wait_for(lambda: state_of(stage, recorder) == "off", "it to be off")
        why = live_of(stage, recorder.session_id)["why"]
        record = recorder.hang_up()
    assert "Choose a smaller model, or raise live_cpu_share" in why
    assert counts(stage, record.id) == ("queued", 0, 0)


def test_a_call_whose_recorder_is_late_is_not_decoded_and_catches_up_later(
    home: Stage, said: Samples
) -> None:
    with recorded(home, np.tile(said, 2)) as recorder:
        followed(home, recorder)
        recorder.note_strain("capture_late")
        home.wait_for(lambda: field(home, recorder, "yields") == "capture_late", "the engine to rest")
        rests_from = recorder.seconds
        recorder.all_of_it()
        assert field(home, recorder, "heard_seconds") <= rests_from + 1
        recorder.note_strain(None)
        home.wait_for(lambda: field(home, recorder, "yields") is None, "the engine to go on")
        record = recorder.hang_up()
        words = completed(home, record.id)
    assert completed_at_its_end(home, record.id)
    assert decoded_again(home, record.id) == words


def field(stage: Stage, recorder: Recorder, name: str) -> Any:
    live = live_of(stage, recorder.session_id)
    assert live
    return live[name]
