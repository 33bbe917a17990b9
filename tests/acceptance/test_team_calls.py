"""Calls that a workstation hands to its team's server, with everything running as a person runs it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.store.outbox_states import SENT
from stress.team.network import STALLED
from tests import team as teams
from tests.pulse import PulseServer
from tests.team import Team, Workstation
from tests.voices import FAR, NEAR, Call, speak, word_error_rate
from tests.waiting import until


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with teams.team(tmp_path_factory.mktemp("team")) as found:
        yield found


@pytest.fixture
def desk7(tmp_path: Path, team: Team, server: PulseServer) -> Iterator[Workstation]:
    """A workstation with a sound card, joined to the server; its processes but the outbox run."""
    with teams.workstation(tmp_path, team, *server.environment.items()) as found:
        found.join()
        with (
            found.stage.process("capture_worker"),
            found.stage.process("transcribe_worker.inbox"),
            found.stage.process("transcribe_worker"),
        ):
            found.stage.wait_for((found.stage.home / "control.json").exists, "the capture worker")
            yield found


def record(desk7: Workstation, server: PulseServer, title: str, near: Call, far: Call) -> None:
    """Record a call in which one side speaks after the other."""
    started = desk7.stage.offhook("record", "start", "--candidate", "C-17", "--title", title)
    assert started.returncode == 0, started.stderr
    for card, samples in (("mic", near.samples), ("call", far.samples)):
        server.play(card, samples)
        server.played()
    stopped = desk7.stage.offhook("record", "stop")
    assert "queued" in stopped.stdout, stopped.stderr


def by_speaker(text: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for speaker, words in re.findall(r"^\[[\d:]+\] ([^:]+): (.*)$", text, re.MULTILINE):
        said[speaker] = f"{said.get(speaker, '')} {words}"
    return said


def test_a_recorded_call_is_transcribed_at_the_server_and_comes_back_with_both_speakers(
    desk7: Workstation, team: Team, server: PulseServer
) -> None:
    near, far = speak(NEAR), speak(FAR)
    with desk7.outbox(), team.stage.process("transcribe_worker"):
        record(desk7, server, "Interview", near, far)
        done = desk7.stage.finished("Interview")
    assert (done["status"], done["source"], done["candidate_id"]) == ("completed", "capture", "C-17")
    said = by_speaker(desk7.stage.offhook("show", str(done["id"]), "--format", "txt").stdout)
    assert set(said) == {"Me", "C-17"}
    assert word_error_rate(near.words, said["Me"]) < 0.15
    assert word_error_rate(far.words, said["C-17"]) < 0.15
    assert desk7.stage.read("search", near.words.split()[0])["hits"]
    written = {path.suffix for path in (desk7.stage.home / "library").rglob("*.*")}
    assert written == {".txt", ".srt", ".vtt", ".json"}
    there = team.store.records.of_session(done["session_id"])
    here = desk7.store.records.get(done["id"])
    assert there
    assert desk7.store.transcripts.segments(here.id) == team.store.transcripts.segments(there.id)
    assert desk7.store.overlays.labels(here.id) == team.store.overlays.labels(there.id)


def test_a_call_is_recorded_as_ever_while_the_server_answers_nothing(
    desk7: Workstation, team: Team, server: PulseServer
) -> None:
    near, far = speak(NEAR), speak(FAR)
    with desk7.outbox():
        until(lambda: desk7.store.outbox.server.joined().last_seen_at, "the server answers")  # type: ignore[union-attr]
        desk7.link.trouble(STALLED, 45.0)
        record(desk7, server, "While it hangs", near, far)
        made = desk7.stage.record("While it hangs")
        assert made
        assert made["status"] == "queued"
        shown = desk7.stage.offhook("show", str(made["id"])).stdout
        assert shown.count("nothing missing") == 2
        found = desk7.store.records.get(made["id"])
        desk7.reaches(found, SENT, 120)
    assert len(team.records(found.session_id)) == 1
