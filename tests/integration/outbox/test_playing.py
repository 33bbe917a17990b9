"""A recording that only the server has is heard here: fetched when it is asked for, and checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from shared.store.outbox_states import RECEIVED
from shared.store.values import Record
from tests.desk import serving
from tests.team import Team, Workstation
from tests.waiting import until


@pytest.fixture
def only_there(desk7: Workstation, team: Team) -> tuple[Record, bytes]:
    """A transcribed call whose recording is at the server alone, and what it was."""
    record = desk7.queued("only there", 2.0)
    content = Path(record.recording_path).read_bytes()
    with desk7.outbox():
        desk7.reaches(record, "sent")
        team.transcribed(record.session_id)
        desk7.reaches(record, RECEIVED)
        until(lambda: not Path(record.recording_path).exists(), "the recording is deleted here")
    return record, content


@pytest.fixture
def browser(desk7: Workstation) -> Iterator[httpx.Client]:
    """A page of the workstation's own desk."""
    with serving(desk7.stage) as server, closing(server.client()) as client:
        yield client


def test_it_is_fetched_when_it_is_played_and_kept_for_the_next_time(
    only_there: tuple[Record, bytes], browser: httpx.Client, desk7: Workstation, team: Team
) -> None:
    record, content = only_there
    answer = browser.get(f"/api/v1/records/{record.id}/audio")
    assert answer.status_code == 200, answer.text
    assert answer.content == content
    desk7.link.trouble("cut", 30.0)
    assert browser.get(f"/api/v1/records/{record.id}/audio").content == content


def test_a_server_that_is_away_is_named_when_its_recording_is_to_be_played(
    only_there: tuple[Record, bytes], browser: httpx.Client, desk7: Workstation
) -> None:
    desk7.link.trouble("cut", 30.0)
    answer = browser.get(f"/api/v1/records/{only_there[0].id}/audio")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "only_at_the_server"
    assert "cannot be reached" in answer.json()["error"]["message"]


def test_after_leaving_the_place_of_a_recording_is_still_known(
    only_there: tuple[Record, bytes], browser: httpx.Client, desk7: Workstation
) -> None:
    done = desk7.stage.offhook("leave", "--yes")
    assert "1 recording can only be heard at the server." in done.stdout
    answer = browser.get(f"/api/v1/records/{only_there[0].id}/audio")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "only_at_the_server")


def test_show_export_doctor_and_delete_do_without_it(
    only_there: tuple[Record, bytes], desk7: Workstation, tmp_path: Path
) -> None:
    number = str(only_there[0].id)
    for words in (("show", number), ("export", number, "--output", tmp_path / "out"), ("list",)):
        done = desk7.stage.offhook(*words)
        assert done.returncode == 0, done.stderr
    checks = json.loads(desk7.stage.offhook("doctor", "--json").stdout)["checks"]
    assert [it for it in checks if it["check"] == "library" and it["state"] != "ok"] == []
    assert desk7.stage.offhook("delete", number, "--yes").returncode == 0
    assert not list((desk7.stage.home / "library").rglob("*.txt"))
