"""Neither offhook nor a library it loads sends anything, or writes outside of the home folder."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import system_calls
from tests.conftest import skip_or_fail
from tests.pulse import PulseServer
from tests.system_calls import Watched

PATIENCE_SECONDS = 120.0
#: A library that reports does so some seconds after it was loaded.
LINGER_SECONDS = 8.0


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """Processes that are watched, on a machine without sound."""
    if why := system_calls.missing():
        skip_or_fail(why)
    return Watched(tmp_path / "watched").prepare()


@pytest.fixture
def with_sound(watched: Watched, server: PulseServer) -> Watched:
    """The same, with a sound server."""
    sound = {name: value for name, value in server.environment.items() if name != "HOME"}
    return replace(watched, settings=tuple(sound.items()))


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.5)
    return found


def outcome(watched: Watched) -> Any:
    records = json.loads(watched.offhook("list", "--json"))["records"]
    return records[0] if records and records[0]["status"] in ("completed", "failed") else None


def test_a_recording_is_transcribed_and_nothing_is_sent_or_written_elsewhere(
    watched: Watched, short_wav: Path
) -> None:
    with watched.process("transcribe_worker"), watched.process("transcribe_worker.inbox"):
        wait_for(lambda: watched.offhook_home.joinpath("inbox").is_dir(), "the inbox")
        part = watched.offhook_home / "inbox" / "call.part"
        part.write_bytes(short_wav.read_bytes())
        part.replace(part.with_suffix(".wav"))
        record = wait_for(lambda: outcome(watched), "the transcript")
        time.sleep(LINGER_SECONDS)
    assert record["status"] == "completed", record
    assert watched.sent() == []
    assert watched.written() == []
    assert watched.left() == []


@pytest.mark.parametrize("how", [(), ("--stdio",)], ids=["socket", "stdio"])
def test_a_call_is_recorded_and_nothing_is_sent_or_written_elsewhere(
    with_sound: Watched, how: tuple[str, ...]
) -> None:
    capture = with_sound.start("capture_worker", *how, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert capture.stdin
    assert capture.stdout
    try:
        if how:
            for number, action in enumerate(("check_audio_devices", "start_recording", "stop_recording")):
                capture.stdin.write(json.dumps({"id": number, "action": action}) + "\n")
                capture.stdin.flush()
                reply: dict[str, Any] = {}
                while reply.get("id") != number:
                    reply = json.loads(capture.stdout.readline())
                assert reply["ok"], reply
        else:
            wait_for((with_sound.offhook_home / "control.json").exists, "the capture worker")
            assert json.loads(with_sound.offhook("record", "start", "--json"))["state"] == "recording"
            assert json.loads(with_sound.offhook("record", "stop", "--json"))["state"] == "queued"
    finally:
        capture.stdin.close()
        capture.terminate()
        capture.wait(60)
        capture.stdout.close()
    assert with_sound.sent() == []
    assert with_sound.written() == []
    assert with_sound.left() == []


def test_no_command_sends_anything_or_writes_elsewhere(with_sound: Watched, short_wav: Path) -> None:
    assert "completed" in with_sound.offhook("transcribe", str(short_wav), "--json")
    for command in (
        ("status",),
        ("show", "1"),
        ("search", "morning"),
        ("list",),
        ("autostart", "status"),
        ("config",),
        ("devices",),
        ("doctor",),
        ("models", "list"),
        ("record", "state"),
        ("backup", str(with_sound.temporary)),
        ("delete", "1", "--yes"),
    ):
        with_sound.offhook(*command)
    assert with_sound.sent() == []
    assert with_sound.written() == []
    assert with_sound.left() == []


def test_a_program_that_reports_is_noticed(watched: Watched) -> None:
    """The watch itself: it sees a connection, a name that is looked up, and a file that is written."""
    script = watched.offhook_home / "reporting.py"
    script.parent.mkdir()
    script.write_text(
        "import contextlib, pathlib, socket\n"
        "pathlib.Path.home().joinpath('deviceid').write_text('7')\n"
        "with contextlib.suppress(OSError), socket.socket(type=socket.SOCK_DGRAM) as s:\n"
        "    s.sendto(b'7', ('192.0.2.7', 443))\n"
        "with contextlib.suppress(OSError):\n"
        "    socket.getaddrinfo('reports.invalid', 443)\n"
    )
    process = Watched(watched.folder, (("PYTHONPATH", str(script.parent)),)).start("reporting")
    assert process.wait(60) == 0
    assert any("192.0.2.7" in call for call in watched.sent())
    assert any("resolv.conf" in call for call in watched.sent())
    assert [Path(line.partition(": ")[2]).name for line in watched.written()] == ["deviceid"]
