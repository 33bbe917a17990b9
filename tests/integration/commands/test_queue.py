"""`offhook retry`, `cancel`, `pause`, `resume` and `delete`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.store.store import Store
from tests.integration.commands.calling import Cli, Done, completed, failed, one_in_each_state
from tests.stage import Stage


def test_retry_failed_queues_every_failed_recording_and_no_other(cli: Cli, store: Store) -> None:
    one_in_each_state(store)
    failed(store, "failed too")
    assert cli("retry", "--failed") == Done(0, "Recording 2: queued\nRecording 6: queued\n", "")
    record = cli.record(2)
    fresh = (record["status"], record["attempts"], record["error"], record["error_code"])
    assert fresh == ("queued", 0, None, None)
    assert cli("retry", "--failed").out == ""


def test_retry_keeps_the_transcript_until_there_is_another_and_adds_its_options(
    cli: Cli, store: Store
) -> None:
    completed(store, "call", "Good morning.")
    assert cli("retry", 1, "--language", "en", "--no-vad").code == 0
    record = cli.record(1)
    assert [segment["text"] for segment in record["transcript"]] == ["Good morning."]
    assert record["options"] == {"language": "en", "vad": False}


def test_what_is_in_the_queue_cannot_be_retried(cli: Cli, store: Store) -> None:
    record_id = one_in_each_state(store)["processing"]
    message = f"offhook: Recording {record_id} is processing. It is in the queue already.\n"
    assert cli("retry", record_id) == Done(1, "", message)


@pytest.mark.parametrize("state", ["queued", "processing", "failed"])
def test_cancel_takes_a_recording_out_of_the_queue(cli: Cli, store: Store, state: str) -> None:
    record_id = one_in_each_state(store)[state]
    assert cli("cancel", record_id) == Done(0, f"Recording {record_id}: cancelled\n", "")
    assert cli.record(record_id)["status"] == "cancelled"


@pytest.mark.parametrize("state", ["completed", "cancelled"])
def test_what_is_over_cannot_be_cancelled(cli: Cli, store: Store, state: str) -> None:
    record_id = one_in_each_state(store)[state]
    message = f"offhook: Recording {record_id} is {state}. There is nothing to cancel.\n"
    assert cli("cancel", record_id) == Done(1, "", message)
    assert cli.record(record_id)["status"] == state


def test_a_pause_holds_until_it_is_over(cli: Cli, wav: Path) -> None:
    assert cli("pause") == Done(0, "Paused. `offhook resume` ends the pause.\n", "")
    assert cli("pause").code == 0
    assert cli("add", wav).code == 0
    assert cli("transcribe", wav).err == "offhook: The queue is paused. `offhook resume` ends the pause.\n"
    assert cli("status", "--json").json["paused"] is True
    assert "PAUSED" in cli("status").out
    assert cli("resume") == Done(0, "The queue continues.\n", "")
    assert cli("status", "--json").json["paused"] is False


def test_delete_refuses_where_nobody_can_be_asked(cli: Cli, store: Store) -> None:
    completed(store, "call", "Good morning.")
    done = cli("delete", 1)
    assert (done.code, done.out) == (1, "")
    assert "--yes" in done.err
    assert cli.record(1)["status"] == "completed"


def test_delete_refuses_without_any_input(store: Store, settings: Settings) -> None:
    """As started by some services, with stdin closed."""
    completed(store, "call", "Good morning.")
    if os.name == "nt":
        pytest.skip("needs a shell that closes a descriptor")
    command = f"exec {sys.executable} -m offhook delete 1 <&-"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, env=Stage(settings.home).environment
    )
    assert done.returncode == 1
    assert "--yes" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
def test_delete_asks_and_names_the_files(store: Store, settings: Settings, answer: str, code: int) -> None:
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
    recording = settings.inbox / "call.wav"
    recording.touch()
    store.records.add(source="inbox", title="call", recording_path=str(recording))
    terminal, inner = pty.openpty()
    with os.fdopen(terminal, "r+b", buffering=0) as terminal_file, os.fdopen(inner) as stdin:
        terminal_file.write(f"{answer}\n".encode())
        done = Stage(settings.home).offhook("delete", "1", stdin=stdin)
    assert done.returncode == code
    assert 'Delete recording 1 "call" and its files?' in done.stdout + done.stderr
    assert str(recording) in done.stdout + done.stderr
    assert recording.exists() is (answer == "n")


def test_delete_removes_all_files_of_ours_and_none_of_others(
    cli: Cli, store: Store, settings: Settings, wav: Path
) -> None:
    dropped = settings.inbox / "dropped.wav"
    dropped.touch()
    store.records.add(source="inbox", title="dropped", recording_path=str(dropped))
    cli("add", wav)
    assert cli("delete", "--yes", 1, 2).out == "Recording 1: deleted\nRecording 2: deleted\n"
    assert not dropped.exists()
    assert wav.exists()
    assert cli.records() == []


def test_delete_deletes_nothing_if_one_of_the_recordings_is_unknown(cli: Cli, store: Store) -> None:
    completed(store, "call", "Good morning.")
    assert cli("delete", "--yes", 1, 4711).code == 1
    assert len(cli.records()) == 1


def test_the_number_of_a_deleted_recording_is_not_given_to_another(
    cli: Cli, wav: Path, tmp_path: Path
) -> None:
    """A number in somebody's notes or script would name another call, and `delete` would delete it."""
    cli("add", wav)
    cli("delete", "--yes", 1)
    other = tmp_path / "other.wav"
    other.write_bytes(b"other")
    assert cli("add", other).out == "Recording 2: queued\n"
