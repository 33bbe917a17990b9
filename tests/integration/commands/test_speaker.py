"""`offhook speaker`: who speaks in a recording, and what a person knows better."""

from __future__ import annotations

import pytest

from offhook.desk.changes import changed
from offhook.desk.desk import Desk
from shared.errors import StateConflict
from shared.settings import Settings
from shared.store.store import Store
from shared.store.values import Record
from tests.integration.commands.calling import Cli, Done, completed
from tests.integration.commands.spoken import CALL, say_again, spoken


@pytest.fixture
def call(settings: Settings, store: Store) -> Record:
    return spoken(settings, store)


def names(cli: Cli) -> dict[str, str]:
    found = cli("speaker", 1, "--json").json["speakers"]
    return {each["speaker"]: each["name"] for each in found}


def words_of(cli: Cli) -> dict[str, int]:
    return {each["speaker"]: each["words"] for each in cli("speaker", 1, "--json").json["speakers"]}


def test_speakers_are_listed_with_their_share_and_a_sentence(cli: Cli, call: Record) -> None:
    done = cli("speaker", 1)
    assert (done.code, done.err) == (0, "")
    assert [" ".join(line.split()) for line in done.out.splitlines()] == [
        "Speaker Name Words Says",
        "them Call with Ada 55% [00:00:10] I wrote about the analytical engine.",
        "me 45% [00:00:00] Good morning, this is Max.",
    ]


def test_speakers_for_programs(cli: Cli, call: Record) -> None:
    found = cli("speaker", 1, "--json").json
    assert found["record_id"] == 1
    assert found["speakers"][1] == {
        "speaker": "me",
        "name": "Me",
        "words": 9,
        "share": 0.45,
        "sample": {"start_seconds": 0.0, "text": "Good morning, this is Max."},
    }


@pytest.mark.parametrize(
    ("columns", "far"),
    [
        ({"title": "Call 2026-11-30 09:15"}, "Them"),
        ({"title": "Recovered 2026-11-30 09:15"}, "Them"),
        ({"title": "Ada Lovelace"}, "Ada Lovelace"),
        ({"title": "Ada Lovelace", "candidate_id": "C-17"}, "C-17"),
        ({"title": "Ada Lovelace", "source": "inbox"}, "Them"),
    ],
)
def test_the_far_side_of_a_call_is_called_by_what_is_known_of_it(
    cli: Cli, settings: Settings, store: Store, columns: dict[str, str], far: str
) -> None:
    spoken(settings, store, **columns)
    assert names(cli) == {"them": far, "me": "Me"}


def test_my_name_is_shown_for_me(cli: Cli, call: Record, settings: Settings) -> None:
    (settings.home / "config.toml").write_text('my_name = "Max Müller"\n', "utf-8")
    assert names(cli)["me"] == "Max Müller"
    assert cli("speaker", 1, "Max müller", "Moritz").code == 0
    assert names(cli)["me"] == "Moritz"


def test_a_speaker_is_named_renamed_and_loses_the_name_again(cli: Cli, call: Record) -> None:
    assert cli("speaker", 1, "them", "Ada  Lovelace") == Done(0, "Recording 1: them is Ada Lovelace.\n", "")
    assert names(cli)["them"] == "Ada Lovelace"
    assert cli("speaker", 1, "ada lovelace", "Augusta Ada King").code == 0
    assert names(cli)["them"] == "Augusta Ada King"
    assert cli("speaker", 1, "them", "").code == 0
    assert names(cli)["them"] == "Call with Ada"


def test_a_speaker_that_there_is_not_is_refused_with_those_that_there_are(cli: Cli, call: Record) -> None:
    message = "offhook: Recording 1 has no speaker voice 2. Its speakers: Me, Call with Ada.\n"
    assert cli("speaker", 1, "voice 2", "Ada") == Done(1, "", message)


def test_me_and_them_are_exchanged_and_back(cli: Cli, call: Record) -> None:
    assert words_of(cli) == {"them": 11, "me": 9}
    assert cli("speaker", 1, "--swap") == Done(0, "Recording 1: me and them are exchanged.\n", "")
    assert words_of(cli) == {"me": 11, "them": 9}
    cli("speaker", 1, "--swap")
    assert words_of(cli) == {"them": 11, "me": 9}


def test_of_three_voices_two_have_to_be_named_to_be_exchanged(
    cli: Cli, settings: Settings, store: Store
) -> None:
    spoken(settings, store, said=[("voice 1", "one"), ("voice 2", "two two"), ("voice 3", "three")])
    assert cli("speaker", 1, "--swap").err == (
        "offhook: Recording 1 has 3 speakers. Name the two to exchange.\n"
    )
    assert cli("speaker", 1, "--swap", "voice 2", "voice 3").code == 0
    assert words_of(cli) == {"voice 1": 1, "voice 2": 1, "voice 3": 2}


@pytest.mark.parametrize("moment", ["0:00:10", "00:10", "10", "10.0", "0:00:11.5", "12"])
def test_what_is_said_at_a_time_is_given_to_another_speaker(cli: Cli, call: Record, moment: str) -> None:
    assert cli("speaker", 1, "--at", moment, "me") == Done(0, "Recording 1: Given to Me.\n", "")
    assert words_of(cli) == {"me": 15, "them": 5}


def test_words_are_given_to_somebody_who_was_not_known_yet(cli: Cli, call: Record) -> None:
    assert cli("speaker", 1, "--words", "10-11", "Charles Babbage").out == (
        "Recording 1: Given to Charles Babbage.\n"
    )
    assert names(cli) == {"them": "Call with Ada", "me": "Me", "them 2": "Charles Babbage"}
    assert cli("speaker", 1, "--words", "12", "charles babbage").code == 0
    assert words_of(cli) == {"them": 8, "me": 9, "them 2": 3}


def test_somebody_in_a_recording_in_which_nobody_is_known_is_a_voice(
    cli: Cli, settings: Settings, store: Store
) -> None:
    spoken(settings, store, said=[("", text) for _, text in CALL])
    assert cli("speaker", 1).err == (
        "Nobody is known. `offhook speaker ID --at TIME NAME` says who said something.\n"
    )
    assert cli("speaker", 1, "--at", "0:05", "Ada").code == 0
    assert names(cli) == {"voice 1": "Ada"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--at", "1:00:00", "me"], "Nothing is said at 1:00:00 in recording 1."),
        (["--at", "soon", "me"], "soon is not a time such as 0:01:23."),
        (["--words", "19-20", "me"], "Recording 1 has the words 0 to 19."),
        (["--words", "9-3", "me"], "Recording 1 has the words 0 to 19."),
    ],
)
def test_a_place_that_there_is_not_is_refused(
    cli: Cli, call: Record, arguments: list[str], message: str
) -> None:
    assert cli("speaker", 1, *arguments) == Done(1, "", f"offhook: {message}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["me"],
        ["--at", "10"],
        ["--at", "10", "--words", "3", "me"],
        ["--at", "10", "me", "them"],
        ["--words", "three", "me"],
        ["--swap", "me"],
        ["--swap", "--at", "10", "me"],
    ],
    ids=" ".join,
)
def test_what_goes_not_together_is_wrong_usage(cli: Cli, call: Record, arguments: list[str]) -> None:
    assert cli("speaker", 1, *arguments).code == 2


def test_a_recording_without_words_is_refused_with_a_remedy(cli: Cli, store: Store) -> None:
    completed(store, "call", "No word has a time.")
    assert "`offhook retry 1 --word-timestamps`" in cli("speaker", 1).err
    store.records.add(source="added", title="queued", recording_path="/queued.wav")
    assert cli("speaker", 2).err == "offhook: Recording 2 has no transcript with words: it is queued.\n"


def test_a_change_to_words_that_were_replaced_meanwhile_is_refused(
    cli: Cli, call: Record, settings: Settings, store: Store
) -> None:
    with Desk({"home": str(settings.home)}) as desk:
        store.records.requeue(1)
        say_again(settings, store, call, CALL[:1])
        with pytest.raises(StateConflict, match="was transcribed again meanwhile"), changed(desk, call, "x"):
            pytest.fail("nothing may be changed")
    assert store.edits.of_record(1) == []
