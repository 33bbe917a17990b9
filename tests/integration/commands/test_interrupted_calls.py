"""Commands to a capture worker that was killed during a call."""

from __future__ import annotations

import pytest

from tests.integration.test_record_commands import capture, devices, refusal, stage
from tests.stage import Stage

__all__ = ["devices", "stage"]
COMMANDS = (("start",), ("stop",), ("state",), ("discard", "--yes"))


@pytest.fixture
def killed(stage: Stage) -> Stage:
    """A home whose capture worker was killed while it recorded."""
    with capture(stage) as worker:
        stage.offhook("record", "start", "--title", "Ms. Okafor", check=True)
        stage.wait_for(lambda: stage.read("record", "state")["duration_seconds"] > 1, "a second")
        worker.kill()
        worker.wait()
    return stage


def test_every_command_says_that_the_call_was_interrupted_and_is_kept(killed: Stage) -> None:
    for command in COMMANDS:
        said = refusal(killed, "record", *command)
        assert '"Ms. Okafor" was interrupted after 0:0' in said
        assert "what was recorded is kept. No capture worker runs. Start one: python start.py" in said


def test_a_call_that_was_handed_over_since_is_not_named(killed: Stage) -> None:
    with capture(killed):
        killed.wait_for(lambda: killed.record("Ms. Okafor"), "the call to be queued")
    assert (
        refusal(killed, "record", "state") == "offhook: No capture worker runs. Start one: python start.py\n"
    )


def test_the_next_capture_worker_names_the_recording_that_became_of_the_call(killed: Stage) -> None:
    with capture(killed):
        killed.wait_for(lambda: killed.record("Ms. Okafor"), "the call to be queued")
        state = killed.read("record", "state")
        assert (state["state"], state["last"]["record_id"], state["last"]["reason"]) == (
            "idle",
            1,
            "recovered",
        )
        said = killed.offhook("record", "state").stdout
        assert said.startswith("Nothing is being recorded. Recording 1: 0:0")
        assert said.endswith("(its recorder was killed; what it had heard until then was repaired)\n")
        stopped = refusal(killed, "record", "stop")
        assert "The last one was interrupted: its recorder was killed. It is recording 1." in stopped
