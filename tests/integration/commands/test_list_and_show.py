"""`offhook list` and `offhook show`."""

from __future__ import annotations

import json

import pytest

from shared.store.store import Store
from shared.store.transitions import STATES
from tests.integration.commands.calling import Cli, claimed, completed, one_in_each_state
from tests.tables import said, windows

# list


@pytest.mark.parametrize("state", STATES)
def test_list_shows_the_recordings_in_one_state(cli: Cli, store: Store, state: str) -> None:
    ids = one_in_each_state(store)
    assert [record["id"] for record in cli.records("--status", state)] == [ids[state]]
    assert [record["status"] for record in cli.records("--status", state)] == [state]


def test_list_shows_the_newest_first_and_no_more_than_asked_for(cli: Cli, store: Store) -> None:
    for number in range(25):
        store.records.add(source="added", title=f"call {number}", recording_path=f"/{number}.wav")
    assert [record["id"] for record in cli.records()] == list(range(25, 5, -1))
    assert [record["id"] for record in cli.records("--limit", 2)] == [25, 24]
    assert [record["id"] for record in cli.records("--limit", 1000)] == list(range(25, 0, -1))


def test_list_says_why_a_recording_failed(cli: Cli, store: Store) -> None:
    one_in_each_state(store)
    out = cli("list").out
    assert "failed.wav is empty (0 bytes)." in out
    assert "processing 0%" in out
    assert out.splitlines()[0].split() == ["ID", "Title", "Length", "Status", "Added"]


def test_a_list_with_a_filter_that_nothing_passes_does_not_say_that_there_are_no_recordings(
    cli: Cli, store: Store
) -> None:
    completed(store, "call", "Good morning.")
    done = cli("list", "--status", "failed")
    assert "Drop one into" not in done.out + done.err


def test_an_empty_list_says_so_on_stderr_as_an_empty_search_does(cli: Cli) -> None:
    for command in (["list"], ["search", "word"]):
        done = cli(*command)
        assert (done.code, done.out) == (0, "")
        assert done.err


@pytest.mark.parametrize("title", ["[red]call[/red]", "[/]", "call :phone: ]", "a\\", "=1+1", "-x"])
def test_a_title_is_shown_as_it_is(cli: Cli, store: Store, title: str) -> None:
    record_id = completed(store, title, "Good morning.")
    claimed(store, title)
    assert title in cli("list").out
    assert title in cli("show", record_id).out
    assert title in cli("search", "morning").out
    assert title in cli("status").out


def test_a_title_of_two_lines_makes_one_line_of_a_search(cli: Cli, store: Store) -> None:
    completed(store, "first\nsecond", "Good morning.")
    assert len(cli("search", "morning").out.splitlines()) == 1


# show


def test_show_prints_a_transcript_in_every_format(cli: Cli, store: Store) -> None:
    record_id = completed(store, "call", "Good <morning>.", "Grüße!")
    shown = {form: cli("show", record_id, "--format", form).out for form in ("txt", "srt", "vtt", "json")}
    assert shown["txt"] == "Good <morning>.\nGrüße!\n"
    assert shown["srt"].startswith("1\n01:01:01,500 --> 01:01:02,250\nGood <morning>.\n\n2\n")
    assert shown["vtt"].startswith("WEBVTT\n\n01:01:01.500 --> 01:01:02.250\nGood &lt;morning&gt;.\n")
    assert [s["text"] for s in json.loads(shown["json"])["segments"]] == ["Good <morning>.", "Grüße!"]


def test_show_says_what_is_known_of_a_recording(cli: Cli, store: Store) -> None:
    claim = claimed(store, "call", candidate_id="C-17", project_id="P-3", flags=("cut_short",))
    store.claims.complete(
        claim, said([{"start_seconds": 1, "end_seconds": 2, "text": "Hello."}]), duration_seconds=65.0
    )
    out = cli("show", 1).out
    for part in ("1  call", "completed", "1:05", "C-17", "P-3", "/call.wav", "[00:00:01] Hello."):
        assert part in out
    assert "Note:       the file ends before its header says; what is there was used" in out
    assert "Library:    not there yet; a worker sees to it" in out


def test_show_has_what_is_decoded_so_far(cli: Cli, store: Store) -> None:
    claim = claimed(store, "call")
    segment = {"start_seconds": 1.0, "end_seconds": 2.0, "text": "So far.", "words": None}
    measures = {"average_log_probability": -0.1, "no_speech_probability": 0.0, "compression_ratio": 1.0}
    window = {"start_seconds": 0.0, "end_seconds": 28.0, "stretch_seconds": 0.0}
    store.claims.save_windows(
        claim, windows([window | {"segments": json.dumps([segment | measures])}]), progress=0.4
    )
    done = cli("show", 1)
    assert "Status:     processing 40%" in done.out
    assert "[00:00:01] So far." in done.out
    assert [s["text"] for s in cli.record(1)["transcript"]] == ["So far."]


@pytest.mark.parametrize("state", [state for state in STATES if state != "completed"])
def test_a_transcript_that_is_not_finished_is_not_printed_alone(cli: Cli, store: Store, state: str) -> None:
    record_id = one_in_each_state(store)[state]
    done = cli("show", record_id, "--format", "txt")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"offhook: Recording {record_id} is {state}. ")


def test_nobody_is_told_to_wait_for_a_cancelled_recording(cli: Cli, store: Store) -> None:
    record_id = one_in_each_state(store)["cancelled"]
    done = cli("show", record_id, "--format", "txt")
    assert "shows how far it is" not in done.err
    assert "offhook retry" in done.err


@pytest.mark.parametrize("state", [state for state in STATES if state != "completed"])
def test_only_a_finished_recording_is_said_to_have_no_speech(cli: Cli, store: Store, state: str) -> None:
    assert "no speech" not in cli("show", one_in_each_state(store)[state]).out


def test_a_finished_recording_without_speech_is_said_to_have_none(cli: Cli, store: Store) -> None:
    assert "(no speech was found)" in cli("show", completed(store, "silence")).out
