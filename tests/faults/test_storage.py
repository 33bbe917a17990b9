"""A disk that is full or loses its power: nothing is lost or stuck."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.disks import FragileDisk, fragile_disk, full, small_disk
from tests.faults.whole_homes import (
    CAPTURE,
    INBOX,
    WORKER,
    archived,
    ask,
    done,
    recorded,
    running,
    seconds_of,
    windows_of,
)
from tests.stage import Stage, engine_of
from tests.standstill import held, stop, under_way
from tests.terminal import terminal
from tests.voices import SHORT_CALL, Call, speak, word_error_rate, write_wav


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk."""
    with small_disk(tmp_path / "disk") as disk:
        yield disk


# Full


def test_a_full_disk_ends_a_recording_says_so_at_once_and_keeps_what_there_was_room_for(
    stage: Stage, disk: Path, with_microphone: tuple[tuple[str, str], ...]
) -> None:
    stage = replace(stage, home=disk / "home", settings=with_microphone)
    with running(stage, CAPTURE) as (capture,):
        done(stage, "record", "start", "--title", "too long")
        with terminal(stage, "record", "watch") as watch:
            watch.wait_for("0:03")
            with full(disk):
                filled = time.monotonic()
                assert watch.ends() == 1
                assert time.monotonic() - filled < 5
                assert "The disk is full, so the recording has stopped" in watch.shown
                state = stage.read("record", "state")
                assert (state["state"], state["last"]["reason"]) == ("idle", "disk_full")
                assert "disk_full" in [warning["code"] for warning in state["warnings"]]
                stopped = stage.offhook("record", "stop")
                assert stopped.returncode == 1
                assert "The last one ended by itself: The disk is full" in stopped.stderr
                (kept,) = [*stage.home.glob("recording/*.part"), *stage.home.glob("inbox/*.wav")]
                seconds = seconds_of(kept)
                assert seconds > 1.5
                assert "too long" in done(stage, "status")
        record = stage.wait_for(lambda: stage.record("too long"), "the recording")
        assert seconds_of(record["recording_path"]) == pytest.approx(record["duration_seconds"], abs=0.001)
        assert record["duration_seconds"] == pytest.approx(seconds, abs=0.001)
        assert (record["status"], record["source"]) == ("queued", "capture")
        done(stage, "record", "start", "--title", "another")
        assert capture.poll() is None
        assert list((stage.home / "recording").glob("*.part")) != []
        done(stage, "record", "stop")


def test_a_disk_that_is_full_at_the_commit_of_a_transcript_only_delays_it(
    stage: Stage, disk: Path, tmp_path: Path
) -> None:
    stage = replace(stage, home=disk / "home", settings=(("OFFHOOK_LEASE_SECONDS", "5"),))
    stage.home.mkdir()
    (tmp_path / "logs").mkdir()
    (stage.home / "logs").symlink_to(tmp_path / "logs")  # there is room for what the worker says
    with running(stage, WORKER) as (worker,):
        with closing(
            sqlite3.connect(stage.home / "offhook.db", isolation_level=None, timeout=0)
        ) as neighbour:
            title, call = hold_before_a_commit(stage, neighbour, worker, tmp_path)
            with full(disk):
                neighbour.execute("ROLLBACK")
                log = tmp_path / "logs" / "worker.log"
                stage.wait_for(lambda: "full" in log.read_text(), "the commit to fail")
                assert_nothing_half_written(stage, title)
                assert worker.poll() is None
        record = archived(stage, title)
        assert record["status"] == "completed"
        assert word_error_rate(call.words, stage.text(record)) < 0.15
        assert ask(stage, "PRAGMA integrity_check") == "ok"


def hold_before_a_commit(
    stage: Stage, neighbour: sqlite3.Connection, worker: subprocess.Popen[str], folder: Path
) -> tuple[str, Call]:
    """Hold the database where a recording's only window is decoded and its transcript is not committed yet.

    That lasts for a millisecond, so the worker goes in steps; on a busy machine it may slip through.
    """
    for number in range(8):
        title, call = f"call {number}", speak(SHORT_CALL[:2], seed=40 + number)
        write_wav(folder / f"{title}.wav", call.samples)
        done(stage, "add", folder / f"{title}.wav")
        while (state := look_and_hold(neighbour, worker)) in ("queued", "processing"):
            time.sleep(0.0002)
        if state == "held":
            return title, call
    raise AssertionError("the worker was faster each time")


def look_and_hold(neighbour: sqlite3.Connection, worker: subprocess.Popen[str]) -> str:
    """Stop a worker, and say where its last recording is; hold the database if this is the moment."""
    moment = """
        SELECT transcription_status, (SELECT count(*) FROM decoded_windows WHERE record_id = call_records.id)
        FROM call_records ORDER BY id DESC LIMIT 1
    """
    worker.send_signal(signal.SIGSTOP)
    try:
        state, windows = neighbour.execute(moment).fetchone()
        if (state, windows) != ("processing", 1):
            return str(state)
        neighbour.execute("BEGIN IMMEDIATE")
        if neighbour.execute(moment).fetchone() == ("processing", 1):
            return "held"
        neighbour.execute("ROLLBACK")
    except sqlite3.OperationalError:  # the worker is in the middle of a commit
        pass
    finally:
        worker.send_signal(signal.SIGCONT)
    return "processing"


def assert_nothing_half_written(stage: Stage, title: str) -> None:
    """What was decoded is kept, and there is no transcript of it."""
    record = stage.record(title)
    assert record is not None
    assert (record["status"], record["transcript_stem"]) == ("processing", None)
    assert ask(stage, f"SELECT count(*) FROM segments WHERE record_id = {record['id']}") == 0
    assert not [hit for hit in stage.read("search", "morning")["hits"] if hit["record_id"] == record["id"]]
    assert ask(stage, "PRAGMA integrity_check") == "ok"
    assert not list((stage.home / "library").rglob(f"{title}*"))


# A power cut


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[FragileDisk]:
    """A disk whose power can be cut."""
    with fragile_disk(tmp_path) as disk:
        yield disk


def test_a_power_cut_costs_two_seconds_of_a_call_at_most_and_no_record(
    stage: Stage,
    fragile: FragileDisk,
    stretches: Call,
    short_wav: Path,
    with_microphone: tuple[tuple[str, str], ...],
) -> None:
    """Only what was synced is left: the processes are stopped, and the disk is copied as it stands."""
    settings = (*with_microphone, ("OFFHOOK_LIVE_QUEUE", "share"))
    stage = replace(stage, home=fragile.folder / "home", settings=settings)
    dropped = stage.drop_call(stretches, "under way.wav")
    fragile.sync()  # what comes before offhook is not its to keep
    with running(stage, CAPTURE) as recorders:
        done(stage, "record", "start", "--title", "cut off", "--candidate", "c-1")
        recorded(stage, 4)
        with running(stage, WORKER, INBOX) as workers:
            under_way(stage, "under way")
            with held(stage.database):  # so it stands still in no transaction, and the others go on
                stop(workers[0])
            done(stage, "add", short_wav)
            heard_seconds, windows = recorded(stage, 4), windows_of(stage)
            left = cut(fragile, [*workers, *recorders])
    fragile.start_again(left)

    assert ask(stage, "PRAGMA integrity_check") == "ok"
    assert windows_of(stage) >= windows > 0
    assert dropped.exists()
    assert {record["title"] for record in stage.records()} == {"under way", short_wav.stem}
    with running(stage, WORKER, INBOX, CAPTURE):
        interrupted, cut_off, added = (
            archived(stage, name) for name in ("under way", "cut off", short_wav.stem)
        )
    assert (interrupted["status"], interrupted["attempts"], interrupted["crashes"]) == ("completed", 2, 1)
    assert word_error_rate(stretches.words, stage.text(interrupted)) < 0.15
    assert (added["status"], cut_off["status"], cut_off["candidate_id"]) == ("completed", "completed", "c-1")
    print(f"{heard_seconds - cut_off['duration_seconds']:.2f} s of {heard_seconds:.2f} s are missing")
    assert cut_off["duration_seconds"] > heard_seconds - 2
    assert seconds_of(cut_off["recording_path"]) == pytest.approx(cut_off["duration_seconds"], abs=0.001)
    assert stage.read("show", str(cut_off["id"]))["capture"]["recovered"]


def test_a_power_cut_leaves_what_is_in_the_library(
    stage: Stage, fragile: FragileDisk, with_microphone: tuple[tuple[str, str], ...]
) -> None:
    stage = replace(stage, home=fragile.folder / "home", settings=with_microphone)
    modules = (WORKER, INBOX, CAPTURE)
    with running(stage, *modules) as processes:
        done(stage, "record", "start", "--title", "finished")
        recorded(stage, 2)
        stopped = stage.read("record", "stop")
        record = archived(stage, "finished")
        left = cut(fragile, processes)
    fragile.start_again(left)

    recording, stem = Path(record["recording_path"]), record["transcript_stem"]
    assert recording.parent == Path(stem).parent
    assert seconds_of(recording) == pytest.approx(stopped["duration_seconds"], abs=0.001)
    assert Path(f"{stem}.txt").read_text() == stage.text(record)
    assert stage.record("finished") == record


def cut(disk: FragileDisk, processes: list[subprocess.Popen[str]]) -> Path:
    """Stop a worker and the others, copy the disk as it stands, and let none of them go on."""
    alive = [engine_of(processes[0]), *(process.pid for process in processes)]
    for process_id in alive:
        os.kill(process_id, signal.SIGSTOP)
    left = disk.as_it_stands()
    for process_id in alive:
        os.kill(process_id, signal.SIGKILL)
    for process in processes:
        process.wait()
    return left
