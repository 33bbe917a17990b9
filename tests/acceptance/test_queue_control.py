"""What a person does to the queue while it works: cancel, pause, replace, delete, call a command again."""

from __future__ import annotations

import time
from pathlib import Path

from tests import looks
from tests.stage import Stage
from tests.voices import Call, word_error_rate


def test_cancelling_stops_the_work_within_two_seconds_and_the_engine_goes_on(
    stage: Stage, piece: Call, short_wav: Path
) -> None:
    path = stage.drop_call(piece, "call.wav")
    with stage.process("transcribe_worker"):
        stage.offhook("add", path)
        record = stage.half_done("call")
        assert stage.offhook("cancel", str(record["id"])).returncode == 0
        cancelled = time.monotonic()
        stage.wait_for(
            lambda: looks.states(stage.database) == ["ready"],
            "the worker to let go",
        )
        assert time.monotonic() - cancelled < 4  # two seconds, on a machine that does other things as well
        stage.offhook("add", short_wav)
        assert stage.finished(short_wav.stem)["status"] == "completed"
        record = stage.record("call")
        assert record is not None
        assert record["status"] == "cancelled"
        stage.offhook("retry", str(record["id"]))
        assert stage.finished("call")["status"] == "completed"


def test_a_paused_queue_takes_nothing_until_it_is_resumed(stage: Stage, short_wav: Path) -> None:
    with stage.process("transcribe_worker"):
        paused = stage.offhook("pause")
        assert paused.returncode == 0, paused.stderr
        stage.offhook("add", short_wav)
        assert stage.read("status")["paused"]
        time.sleep(3)
        record = stage.record(short_wav.stem)
        assert record is not None
        assert record["status"] == "queued"
        assert "paused" in stage.offhook("transcribe", short_wav).stderr
        stage.offhook("resume")
        assert stage.finished(short_wav.stem)["status"] == "completed"


def test_a_missing_model_holds_its_recordings_and_no_others(
    stage: Stage, short_wav: Path, short_call: Call, tmp_path: Path
) -> None:
    with stage.process("transcribe_worker"):
        stage.offhook("add", short_wav, "--model", "small")
        path = tmp_path / "other.wav"
        path.write_bytes(short_wav.read_bytes() + b"LIST\4\0\0\0junk")
        stage.offhook("add", path)
        assert stage.finished("other")["status"] == "completed"
        record = stage.record(short_wav.stem)
        assert record is not None
        assert (record["status"], record["attempts"]) == ("queued", 0)
        (missing,) = stage.read("status")["missing_models"]
        assert (missing["model"], missing["records"]) == ("small", 1)
        assert "offhook models pull small" in stage.offhook("status").stdout
        give_model(stage, "small")
        assert stage.finished(short_wav.stem)["status"] == "completed"
    assert word_error_rate(short_call.words, stage.text(record)) < 0.15


def give_model(stage: Stage, name: str) -> None:
    """Put the bundled model where a download of another would be."""
    from transcribe_worker.model_files import bundled_folder

    folder = bundled_folder()
    assert folder
    partial = stage.home / "models" / f"{name}.part"
    partial.symlink_to(folder)
    partial.rename(stage.home / "models" / name)


def test_a_model_that_cannot_be_loaded_holds_the_queue_and_fails_nothing(
    stage: Stage, short_wav: Path
) -> None:
    broken = stage.home / "models" / "broken"
    broken.mkdir(parents=True)
    (broken / "model.bin").write_bytes(b"no model")
    with stage.process("transcribe_worker"):
        stage.offhook("add", short_wav, "--model", "broken")
        record = stage.wait_for(
            lambda: (r := stage.record(short_wav.stem)) and r["error_code"] == "engine_unusable" and r,
            "the model to be found unusable",
        )
        assert (record["status"], record["attempts"]) == ("queued", 0)
        assert "broken" in stage.offhook("status").stdout


def test_files_are_transcribed_without_a_worker_and_stay_where_they_are(
    stage: Stage, short_wav: Path, short_call: Call
) -> None:
    done = stage.offhook("transcribe", short_wav)
    assert done.returncode == 0, done.stderr
    assert word_error_rate(short_call.words, done.stdout) < 0.15
    assert short_wav.exists()
    again = stage.offhook("transcribe", short_wav)
    assert again.stdout == done.stdout
    assert len(stage.records()) == 1
    assert stage.running() == []


def test_a_recording_that_changes_while_it_is_read_is_read_again(
    stage: Stage, piece: Call, short_call: Call
) -> None:
    path = stage.drop_call(piece, "call.wav")
    with stage.process("transcribe_worker"):
        stage.offhook("add", path)
        stage.half_done("call")
        stage.drop_call(short_call, "call.wav")
        record = stage.finished("call")
        assert record["status"] == "completed"
        assert word_error_rate(short_call.words, stage.text(record)) < 0.15


def test_deleting_a_recording_leaves_nothing_of_it(stage: Stage, short_call: Call) -> None:
    path = stage.drop_call(short_call, "call.wav")
    with stage.process("transcribe_worker"), stage.process("transcribe_worker.inbox"):
        record = stage.finished("call")
        stage.wait_for(lambda: not path.exists(), "the library")
        stage.wait_for(lambda: stage.read("show", str(record["id"]))["transcript_stem"], "the library")
        assert stage.offhook("delete", str(record["id"])).returncode == 1
        assert stage.offhook("delete", "--yes", str(record["id"])).returncode == 0
        assert stage.records() == []
        assert [p for p in (stage.home / "library").rglob("*") if p.is_file()] == []
        assert stage.read("search", "morning")["hits"] == []


def test_a_damaged_queue_is_made_anew(stage: Stage, short_wav: Path) -> None:
    stage.home.mkdir(parents=True)
    (stage.home / "queue.db").write_bytes(b"this is no database at all, and never was")
    with stage.process("transcribe_worker"):
        stage.offhook("add", short_wav)
        assert stage.finished(short_wav.stem)["status"] == "completed"
