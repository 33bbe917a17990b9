"""`offhook record watch` shows the words of a call, beside a real capture worker.

The test writes them into the store, as a worker does that transcribes the call while it is recorded.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.settings import Settings
from shared.store.store import Store
from tests.live_calls import Decoder
from tests.stage import ROOT, Stage
from tests.terminal import Terminal, terminal
from tests.voices import write_wav

HELLO, THERE, WHAT, GOOD = (" Hello", "them"), (" there.", "them"), (" What?", "me"), (" Good.", "me")
DIM, OWN_SEQUENCES = "\x1b[2m", re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
HOSTILE = " call\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sources") / "sound.wav"
    write_wav(path, np.full(16_000 * 60, 0.1, np.float32))
    return path


@pytest.fixture
def stage(tmp_path: Path, sound: Path) -> Stage:
    """A home on a machine with both devices."""
    own = (("OFFHOOK_MICROPHONE", f"replay:{sound}"), ("OFFHOOK_LOOPBACK", f"replay:{sound}"))
    return Stage(tmp_path / "home", own)


@pytest.fixture
def decoder(stage: Stage) -> Iterator[Decoder]:
    """A recording that runs, with Ada, and a worker that transcribes it."""
    with running(stage) as session_id, Store.of_home(Settings(home=stage.home)) as store:
        yield Decoder.of(store, session_id)


@contextmanager
def running(stage: Stage, *options: str) -> Iterator[str]:
    """Record in a capture worker; return the session id."""
    with stage.process("capture_worker"):
        stage.wait_for((stage.home / "control.json").exists, "the capture worker")
        yield stage.read("record", "start", "--candidate", "Ada", *options)["session_id"]


@contextmanager
def piped(stage: Stage, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Watch through a pipe."""
    command = [sys.executable, "-m", "offhook", "record", "watch", *options]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, env=stage.environment, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def last_picture(person: Terminal) -> str:
    """What stands on the terminal since it was drawn the last time, with its styles."""
    return person._rest.decode(errors="ignore").split("\x1b[2K")[-1]


# In a terminal


def test_words_stand_below_the_levels_the_provisional_ones_dim(stage: Stage, decoder: Decoder) -> None:
    with terminal(stage, "record", "watch") as person:
        person.wait_for("dBFS")
        decoder.settle(0.0, 2.0, HELLO, THERE, WHAT)
        decoder.guess(2.0, 3.0, GOOD)
        shown = person.wait_for(r"loopback [^●]*Ada: Hello there\.\s+Me: What\? Good\.")
        assert "dBFS" in shown
        assert f"{DIM} Good." in last_picture(person)
        assert f"{DIM} What?" not in person._rest.decode()
        decoder.guess(2.0, 3.0, GOOD, behind_seconds=12.3)
        person.wait_for("Behind by 12 s")
        decoder.guess(2.0, 3.0, GOOD, behind_seconds=0.0, yields="disk_late")
        person.wait_for("The text waits: the disk is slow")


def test_after_the_stop_the_rest_comes_and_where_the_transcript_is(stage: Stage, decoder: Decoder) -> None:
    with terminal(stage, "record", "watch") as person:
        decoder.settle(0.0, 2.0, HELLO, THERE)
        person.wait_for(r"Ada: Hello there\.")
        stage.offhook("record", "stop")
        person.wait_for("The rest of its text is being decoded")
        decoder.settle(2.0, 3.0, WHAT)
        record_id = decoder.complete()
        person.wait_for(r"Me: What\?")
        assert person.ends() == 0
        ending = person.shown.splitlines()[-2:]
        assert re.fullmatch(rf"Nothing is being recorded\. Recording {record_id}: 0:\d\d", ending[0])
        assert ending[1] == f"Transcript: offhook show {record_id}"
        assert "being decoded" not in OWN_SEQUENCES.sub("", last_picture(person))


def test_the_last_lines_that_fit_are_shown(stage: Stage, decoder: Decoder) -> None:
    with terminal(stage, "record", "watch") as person:
        person.wait_for("dBFS")
        decoder.settle(0.0, 600.0, *((f" word{number}", "me") for number in range(2000)))
        person.wait_for("word1999")
        shown = OWN_SEQUENCES.sub("", last_picture(person))
        assert "word1999" in shown
        assert "word1000 " not in person.shown
        assert max(map(len, person.shown.splitlines())) <= 120


def test_one_who_leaves_after_the_stop_is_told_where_the_transcript_is(
    stage: Stage, decoder: Decoder
) -> None:
    with terminal(stage, "record", "watch") as person:
        decoder.settle(0.0, 2.0, HELLO, THERE)
        person.wait_for(r"Ada: Hello there\.")
        stage.offhook("record", "stop")
        person.wait_for("Ctrl-C does not stop that")
        person.process.send_signal(signal.SIGINT)
        assert person.ends() == 0
        assert "The recording continues" not in person.shown
        assert "Transcript: offhook show 1" in person.shown


def test_a_call_that_is_not_transcribed_live_says_why(stage: Stage) -> None:
    with running(stage, "--no-live"), terminal(stage, "record", "watch") as person:
        person.wait_for("Not transcribed live: switched off")
        assert "Not transcribed live: switched off" in stage.offhook("record", "state").stdout
        assert stage.read("record", "state")["live"]["state"] == "off"


def test_words_that_command_a_terminal_are_only_shown(stage: Stage, decoder: Decoder) -> None:
    with terminal(stage, "record", "watch") as person:
        person.wait_for("dBFS")
        decoder.settle(0.0, 1.0, (HOSTILE, "me"))
        decoder.guess(1.0, 2.0, (HOSTILE, "them"))
        person.wait_for(r"Me: call.*owned.*\s+Ada: call.*owned")
        raw = person._rest.decode(errors="ignore")
    assert "\x1b]" not in raw
    assert "\x1b[2J" not in raw
    assert not {"\x9b", "\x07", "\u202e"} & set(raw)


# In a pipe


def test_a_pipe_gets_each_final_word_once_line_by_line(stage: Stage, decoder: Decoder) -> None:
    with piped(stage) as process:
        assert process.stdout
        decoder.guess(0.0, 1.0, (" Hallo", None))
        decoder.settle(0.0, 2.0, HELLO, THERE, WHAT)
        assert [process.stdout.readline() for _ in range(2)] == [
            "[00:00:00] Ada: Hello there.\n",
            "[00:00:01] Me: What?\n",
        ]
        decoder.settle(62.0, 63.0, (HOSTILE, "me"))
        assert process.stdout.readline() == "[00:01:02] Me: call ]0;owned [2J 31m\n"
        stage.offhook("record", "stop")
        decoder.end()
        out, err = process.communicate(timeout=30)
    assert re.fullmatch(r"Nothing is being recorded\. Recording 1: \S+\nTranscript: offhook show 1\n", out)
    assert (err, process.returncode) == ("", 0)


def test_a_pipe_whose_reader_has_gone_ends_the_watching(stage: Stage, decoder: Decoder) -> None:
    with piped(stage) as process:
        assert process.stdout
        assert process.stderr
        decoder.settle(0.0, 2.0, HELLO, THERE)
        assert process.stdout.readline()
        process.stdout.close()
        decoder.settle(2.0, 3.0, WHAT)
        assert process.stderr.read() == ""
        assert process.wait(20) == 0
    assert stage.read("record", "state")["state"] == "recording"


def test_programs_get_the_events_as_lines_of_json(stage: Stage, decoder: Decoder) -> None:
    with piped(stage, "--json") as process:
        assert process.stdout
        first = json.loads(process.stdout.readline())
        assert (first["type"], first["state"], first["live"]["state"]) == ("state", "recording", "following")
        decoder.settle(0.0, 1.0, (HOSTILE, "me"))
        found = [first]
        while not found[-1].get("final"):
            line = process.stdout.readline()
            assert not set(line) & {"\x1b", "\x07", "\x9b", "\u202e"}
            found.append(json.loads(line))
        assert found[-1]["final"] == [[0, 1000, HOSTILE, "me"]]
        stage.offhook("record", "stop")
        decoder.end()
        rest = [json.loads(line) for line in process.stdout]
        assert process.wait(20) == 0
    assert "level" in {event["type"] for event in (*found, *rest)}
    assert [event["state"] for event in rest if event["type"] == "state"] == ["idle"]
    assert (rest[-1]["type"], rest[-1]["is_last"]) == ("words", True)


def test_where_nothing_is_recorded_a_program_gets_the_state(stage: Stage) -> None:
    with stage.process("capture_worker"):
        stage.wait_for((stage.home / "control.json").exists, "the capture worker")
        done = stage.offhook("record", "watch", "--json")
    assert (done.returncode, json.loads(done.stdout)["state"]) == (0, "idle")
