"""`offhook replace`: the same words are put right wherever they were said."""

from __future__ import annotations

import pytest

from offhook.desk.replacing import in_case
from shared.settings import Settings
from shared.speakers import ME, THEM
from shared.store.store import Store
from shared.store.values import Record
from tests.integration.commands.calling import Cli, Done, completed
from tests.integration.commands.spoken import file_of, spoken


@pytest.fixture
def calls(settings: Settings, store: Store) -> list[Record]:
    return [
        spoken(settings, store, "one"),
        spoken(settings, store, "two", [(THEM, "Nothing loveless, nothing LOVELESS.")]),
        spoken(settings, store, "three", [(ME, "Nothing else.")]),
    ]


def text(cli: Cli, record_id: int) -> str:
    return cli("show", record_id, "--format", "txt").out


def test_a_preview_shows_each_place_and_changes_nothing(cli: Cli, calls: list[Record]) -> None:
    done = cli("replace", "loveless", "Lovelace", "--everywhere", "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "    1  one",
        "       00:00:06  Hello Max, Aida [loveless -> Lovelace] here. I wrote about the analytical",
        "       00:00:16  Thank you, Miss [loveless -> Lovelace].",
        "    2  two",
        "       00:00:00  Nothing [loveless -> Lovelace], nothing LOVELESS.",
        "       00:00:01  Nothing loveless, nothing [LOVELESS -> LOVELACE].",
        "4 places in 2 recordings would be replaced. Nothing was changed.",
    ]
    assert "loveless" in text(cli, 1)


def test_words_are_replaced_in_texts_files_and_search(
    cli: Cli, calls: list[Record], settings: Settings
) -> None:
    done = cli("replace", "aida loveless", "Ada Lovelace", "--everywhere", "--yes")
    assert done.out.endswith(
        "1 place in 1 recording replaced. `offhook edit ID --undo` undoes that in a recording.\n"
    )
    assert "Hello Max, Ada Lovelace here." in text(cli, 1)
    assert "Ada Lovelace" in file_of(settings, calls[0])
    assert "Miss loveless." in text(cli, 1)
    assert [hit["record_id"] for hit in cli("search", "lovelace", "--json").json["hits"]] == [1]
    assert cli("edit", 1, "--undo").code == 0
    assert "Hello Max, Aida loveless here." in text(cli, 1)


def test_only_the_recordings_that_are_given_are_changed(cli: Cli, calls: list[Record]) -> None:
    assert cli("replace", "loveless", "Lovelace", 2, "--yes").out.endswith(
        "2 places in 1 recording replaced. `offhook edit ID --undo` undoes that in a recording.\n"
    )
    assert "Nothing Lovelace, nothing LOVELACE." in text(cli, 2)
    assert "loveless" in text(cli, 1)


def test_without_a_terminal_it_has_to_be_told_yes(cli: Cli, calls: list[Record]) -> None:
    done = cli("replace", "loveless", "Lovelace", "--everywhere")
    assert done.code == 1
    assert done.err == (
        "offhook: replace asks before it replaces. Give --yes to replace without being asked.\n"
    )
    assert "loveless" in text(cli, 1)


def test_what_nobody_said_is_not_found(cli: Cli, calls: list[Record], store: Store) -> None:
    for old in ("Zwetschgenmann", "?!", "love", "loveles"):
        assert cli("replace", old, "x", "--everywhere", "--yes") == Done(0, "", "Nothing found.\n")
    assert store.edits.of_record(1) == []


@pytest.mark.parametrize(
    ("said", "old", "new", "expected"),
    [
        ("Ada's engine and Ada.", "ada", "Ida", "Ida's engine and Ida."),
        ("I don't say don here.", "don", "Dan", "I don't say Dan here."),
        ("an O'Brien, the brien", "brien", "Bryan", "an O'Brien, the Bryan"),
        ("a co-founder and a founder", "co-founder", "cofounder", "a cofounder and a founder"),
        ("the New York office, new york!", "new york", "Boston", "the Boston office, Boston!"),
        ("the C++ team", "C++", "Rust", "the Rust team"),
        ("so so so", "so", "no", "no no no"),
        ("Um, yes um.", "um", "", ", yes ."),
        ("Größe GRÖẞE größe", "größe", "Weite", "Weite WEITE Weite"),
        ("“loveless” (loveless)", "loveless", "Lovelace", "“Lovelace” (Lovelace)"),
    ],
)
def test_whole_words_are_replaced_with_the_signs_around_them_kept(
    cli: Cli, settings: Settings, store: Store, said: str, old: str, new: str, expected: str
) -> None:
    spoken(settings, store, said=[("", said)])
    cli("replace", old, new, 1, "--yes")
    assert text(cli, 1) == f"{expected}\n"


@pytest.mark.parametrize(
    ("new", "found", "old", "expected"),
    [
        ("Lovelace", "loveless", "loveless", "Lovelace"),
        ("Lovelace", "LOVELESS", "loveless", "LOVELACE"),
        ("maybe", "Perhaps", "perhaps", "Maybe"),
        ("maybe", "perhaps", "Perhaps", "maybe"),
        ("International Business Machines", "IBM", "IBM", "International Business Machines"),
        ("we", "I", "I", "we"),
        ("iPhone", "Eye phone", "eye phone", "IPhone"),
    ],
)
def test_case_follows_the_words_that_were_found(new: str, found: str, old: str, expected: str) -> None:
    assert in_case(new, found, old) == expected


def test_a_phrase_is_found_over_segments_and_not_over_speakers(
    cli: Cli, settings: Settings, store: Store
) -> None:
    spoken(
        settings, store, said=[(ME, "I met Aida"), (ME, "loveless there"), (THEM, "Aida"), (ME, "loveless")]
    )
    assert cli("replace", "aida loveless", "Ada Lovelace", "1", "--yes").out.endswith(
        "1 place in 1 recording replaced. `offhook edit ID --undo` undoes that in a recording.\n"
    )
    assert "Ada Lovelace" in text(cli, 1)


def test_a_correction_of_before_is_replaced_too(cli: Cli, calls: list[Record], store: Store) -> None:
    cli("replace", "Aida loveless", "Augusta Ada King", "1", "--yes")
    cli("replace", "ada", "Ida", "1", "--yes")
    assert "Hello Max, Augusta Ida King here." in text(cli, 1)
    assert [(it.first_word, it.last_word) for it in store.overlays.corrections(1)] == [(7, 8)]


def test_scripts_without_spaces_have_no_whole_words(cli: Cli, settings: Settings, store: Store) -> None:
    spoken(settings, store, said=[("", "今日は会議です")])
    assert cli("replace", "会議", "会談", "--everywhere", "--yes").code == 0
    assert "今日は会談です" in text(cli, 1)


def test_programs_see_all_places(cli: Cli, calls: list[Record]) -> None:
    found = cli("replace", "loveless", "Lovelace", "--everywhere", "--dry-run", "--json").json
    assert [len(it["places"]) for it in found["recordings"]] == [2, 2]
    assert found["recordings"][1]["places"][1] == {
        "start_seconds": 1.2,
        "before": "Nothing loveless, nothing ",
        "found": "LOVELESS",
        "new": "LOVELACE",
        "after": ".",
    }
    assert (found["dry_run"], found["in_glossary"]) == (True, False)


def test_the_new_words_are_added_to_the_glossary_if_wanted(
    cli: Cli, calls: list[Record], settings: Settings
) -> None:
    cli("replace", "loveless", "Lovelace", "1", "--yes", "--glossary", "--dry-run")
    assert not settings.glossary.exists()
    assert cli("replace", "loveless", "Lovelace", "1", "--yes", "--glossary").out.endswith(
        "Lovelace is in the glossary.\n"
    )
    assert settings.glossary.read_text() == "Lovelace\n"


def test_many_places_are_shown_in_part(cli: Cli, settings: Settings, store: Store) -> None:
    for number in range(22):
        spoken(settings, store, f"call {number}", [("", "so " * 9)])
    done = cli("replace", "so", "no", "--everywhere", "--dry-run")
    assert done.out.count("and 4 more places") == 20
    assert "and 2 more recordings" in done.out
    assert done.out.endswith("198 places in 22 recordings would be replaced. Nothing was changed.\n")


@pytest.mark.parametrize(
    "arguments", [["a", "b"], ["a"], ["a", "b", "1", "--everywhere"], [" ", "b", "1"]], ids=" ".join
)
def test_without_recordings_it_is_wrong_usage(cli: Cli, arguments: list[str]) -> None:
    assert cli("replace", *arguments).code == 2


def test_a_recording_without_words_is_named_if_it_was_asked_for_and_else_passed_over(
    cli: Cli, store: Store
) -> None:
    completed(store, "call", "No word has a time.")
    assert "`offhook retry 1 --word-timestamps`" in cli("replace", "word", "x", "1", "--yes").err
    assert cli("replace", "word", "x", "--everywhere", "--yes").err == "Nothing found.\n"
