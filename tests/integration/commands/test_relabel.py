"""`offhook relabel`: labels are made again from what is stored."""

from __future__ import annotations

import time
from typing import Any

import pytest

from shared.loudness import SideLevels, as_byte
from shared.settings import Settings
from shared.speakers import ME, PERSON, THEM, VOICES, Label, VoiceTurn
from shared.store.store import Store
from shared.store.values import Record
from tests.integration.commands.calling import Cli, Done, completed
from tests.integration.commands.spoken import CALL, file_of, segments_of, spoken

TICKS = 50
LOUD, QUIET = as_byte(0.1), as_byte(0.0003)


def captured(settings: Settings, store: Store, **columns: Any) -> Record:
    """A call whose microphone is loud in the first and the last 5 s of 20, and whose labels say otherwise."""
    record = spoken(settings, store, said=[(THEM, text) for _, text in CALL], **columns)
    columns = {"title": "Call", "layout": "mono", "worker_id": "c", "started_at": 1.0}
    store.captures.begin(record.session_id, settings.inbox / "x.wav", **columns)
    heard = bytes([LOUD] * 5 + [QUIET] * 10 + [LOUD] * 5)
    sides = (heard, bytes(LOUD + QUIET - byte for byte in heard))
    microphone, loopback = (bytes(byte for byte in side for _ in range(TICKS)) for side in sides)
    levels = {0: SideLevels(TICKS, microphone, loopback)}
    store.captures.note(record.session_id, {"duration_seconds": 20.0}, levels)
    return record


def words_of(cli: Cli) -> dict[str, int]:
    return {each["speaker"]: each["words"] for each in cli("speaker", 1, "--json").json["speakers"]}


def test_labels_are_made_again_from_the_loudness_of_both_sides(
    cli: Cli, settings: Settings, store: Store
) -> None:
    record = captured(settings, store)
    assert words_of(cli) == {THEM: 20}
    assert cli("relabel", 1) == Done(
        0,
        "Recording 1: other speakers now\n1 recording labelled again, 1 with other speakers now.\n",
        "",
    )
    assert words_of(cli) == {THEM: 11, ME: 9}
    assert "Me" in file_of(settings, record)
    assert cli("relabel", 1).out == "1 recording labelled again, 0 with other speakers now.\n"


def test_what_a_person_said_of_speakers_stays(cli: Cli, settings: Settings, store: Store) -> None:
    captured(settings, store)
    cli("speaker", 1, "--words", "0", "Charles")
    cli("relabel", 1)
    assert [it for it in store.overlays.labels(1) if it.source == PERSON] == [Label(0, 0, "them 2", PERSON)]
    assert words_of(cli) == {THEM: 11, ME: 8, "them 2": 1}
    cli("speaker", 1, "--swap", "me", "them")
    cli("relabel", 1)
    assert words_of(cli) == {ME: 11, THEM: 8, "them 2": 1}


def test_labels_are_made_again_from_turns_of_voices(cli: Cli, settings: Settings, store: Store) -> None:
    record = store.records.add(source="inbox", title="file", recording_path="/file.wav")
    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    turns = [VoiceTurn(0, 4500, 1, 0.95), VoiceTurn(4500, 15_000, 2, 0.95), VoiceTurn(15_000, 20_000, 1, 0.9)]
    store.claims.complete(claim, segments_of(CALL)[0], (), turns)
    assert cli("relabel", "--all").code == 0
    assert words_of(cli) == {"voice 2": 11, "voice 1": 9}
    assert {label.source for label in store.overlays.labels(1)} == {VOICES}


def test_all_finished_recordings_are_labelled_again(cli: Cli, settings: Settings, store: Store) -> None:
    captured(settings, store)
    completed(store, "without words", "No word has a time.")
    store.records.add(source="added", title="queued", recording_path="/queued.wav")
    assert cli("relabel", "--all", "--json").json == {"recordings": 2, "changed": [1]}
    assert cli("relabel", "--all").out == "2 recordings labelled again, 0 with other speakers now.\n"


def test_a_record_that_was_transcribed_again_meanwhile_keeps_its_new_labels(
    cli: Cli, settings: Settings, store: Store
) -> None:
    record = captured(settings, store)
    store.records.requeue(1)
    claim = store.claims.claim(1, worker_id="w", model="m", lease_seconds=60)
    assert claim
    store.claims.complete(claim, *segments_of(CALL))
    assert not store.edits.relabel(record, [Label(0, 0, ME, VOICES, 0.9)])
    assert words_of(cli) == {THEM: 11, ME: 9}


def test_an_hour_is_labelled_again_in_less_than_a_second(cli: Cli, settings: Settings, store: Store) -> None:
    said = [((ME, THEM)[n % 2], " ".join(["word"] * 12)) for n in range(720)]
    record = spoken(settings, store, said=said)
    columns = {"title": "Call", "layout": "mono", "worker_id": "c", "started_at": 1.0}
    store.captures.begin(record.session_id, settings.inbox / "x.wav", **columns)
    turn = bytes([LOUD] * 5 * TICKS + [QUIET] * 5 * TICKS)
    minute = SideLevels(TICKS, turn * 6, turn[::-1] * 6, b"\0\0" * 60)
    store.captures.note(record.session_id, {"duration_seconds": 3600.0}, dict.fromkeys(range(60), minute))
    began = time.process_time()
    assert cli("relabel", 1).code == 0
    assert time.process_time() - began < 2.0  # twice the time of a quiet machine: it is busy in tests
    assert words_of(cli)[ME] == pytest.approx(4320, rel=0.1)


@pytest.mark.parametrize("arguments", [[], ["1", "--all"]], ids=["nothing", "both"])
def test_recordings_or_all_of_them_have_to_be_given(cli: Cli, arguments: list[str]) -> None:
    assert cli("relabel", *arguments).code == 2


def test_another_candidate_is_another_name_in_the_files(cli: Cli, settings: Settings, store: Store) -> None:
    record = spoken(settings, store, candidate_id="C-17")
    assert "C-17" in file_of(settings, record)
    assert cli("attach", 1, "--candidate", "C-18").code == 0
    assert "C-18" in cli("show", 1).out
    assert [it.id for it in store.places.unarchived()] == [1]
