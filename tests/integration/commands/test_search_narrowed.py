"""`offhook search` by speaker, candidate, project and day."""

from __future__ import annotations

from datetime import datetime
from random import Random

import pytest

from shared.settings import Settings
from shared.speakers import ME, THEM
from shared.store.narrowing import Narrowing, SaidBy
from shared.store.store import Store
from shared.store.values import Record
from tests.integration.commands.calling import Cli, completed
from tests.integration.commands.spoken import spoken
from tests.tables import Record as Table


@pytest.fixture
def calls(settings: Settings, store: Store) -> list[Record]:
    """Two calls with a candidate each, and a file with two voices."""
    first = [(ME, "The salary is one thing."), (THEM, "What about the salary, the holidays?")]
    second = [(THEM, "No salary, only holidays."), (ME, "Good.")]
    third = [("voice 1", "A salary is a salary."), ("voice 2", "Indeed a salary.")]
    return [
        spoken(settings, store, "one", first, candidate_id="C-17", project_id="P-1"),
        spoken(settings, store, "two", second, candidate_id="C-18", project_id="P-1"),
        spoken(settings, store, "three", third, source="inbox", project_id="P-2"),
    ]


def found(cli: Cli, *arguments: object) -> list[tuple[int, float, str | None]]:
    hits = cli("search", *arguments, "--json").json["hits"]
    return [(hit["record_id"], hit["moment_seconds"], hit["name"]) for hit in hits]


def test_each_moment_has_its_time_and_who_said_it(cli: Cli, calls: list[Record]) -> None:
    assert cli("search", "salary").out.splitlines() == [
        "    3  00:00:05  three, Voice 2: Indeed a [salary].",
        "    3  00:00:00  three, Voice 1: A [salary] is a [salary].",
        "    2  00:00:00  two, C-18: No [salary], only holidays.",
        "    1  00:00:06  one, C-17: What about the [salary], the holidays?",
        "    1  00:00:00  one, Me: The [salary] is one thing.",
    ]


@pytest.mark.parametrize(
    ("speaker", "expected"),
    [
        ("me", [(1, 0.4, "Me")]),
        ("THEM", [(2, 0.4, "C-18"), (1, 6.2, "C-17")]),
        ("c-17", [(1, 6.2, "C-17")]),
        ("voice 2", [(3, 5.8, "Voice 2")]),
        ("Max", []),
        ("nobody", []),
    ],
)
def test_only_the_words_of_a_speaker_are_found(
    cli: Cli, calls: list[Record], speaker: str, expected: list[tuple[int, float, str]]
) -> None:
    assert found(cli, "salary", "--speaker", speaker) == expected


def test_a_name_finds_its_speaker_in_every_recording_that_has_it(
    cli: Cli, calls: list[Record], settings: Settings
) -> None:
    cli("speaker", 1, "them", "Ada  Lovelace")
    cli("speaker", 3, "voice 1", "ada lovelace")
    assert found(cli, "salary", "--speaker", "Ada Lovelace") == [
        (3, 0.4, "ada lovelace"),
        (1, 6.2, "Ada Lovelace"),
    ]
    assert found(cli, "salary", "--speaker", "C-17") == []
    (settings.home / "config.toml").write_text('my_name = "Ada Lovelace"\n')
    assert [hit[0] for hit in found(cli, "salary", "--speaker", "Ada Lovelace")] == [3, 1, 1]


def test_all_words_must_be_said_by_the_speaker(cli: Cli, settings: Settings, store: Store) -> None:
    """A segment may have words of two speakers."""
    record = spoken(settings, store, "mixed", [(ME, "red green"), (THEM, "blue red")])
    with store.edits.change(record.id, "speaker"):
        store.overlays.assign(record.id, 1, 1, THEM)
    assert found(cli, "red", "green") != []
    assert found(cli, "red", "green", "--speaker", "me") == []
    assert found(cli, "green", "--speaker", "them") == [(1, 0.4, "mixed")]
    assert found(cli, "red", "--speaker", "me") == [(1, 0.0, "Me")]


def test_a_corrected_word_is_found_by_its_speaker(cli: Cli, calls: list[Record], store: Store) -> None:
    with store.edits.change(2, "edit"):
        store.overlays.correct(2, 1, 1, "celery,")
    assert found(cli, "celery", "--speaker", "them") == [(2, 0.4, "C-18")]
    assert found(cli, "salary", "--candidate", "C-18") == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--candidate", "C-17"], {1}),
        (["--project", "P-1"], {1, 2}),
        (["--project", "P-1", "--candidate", "C-18"], {2}),
        (["--project", "P-2", "--candidate", "C-18"], set()),
        (["--project", "P-1", "--speaker", "me"], {1}),
        (["--since", "2026-03-02"], {2, 3}),
        (["--since", "2026-03-03"], {3}),
        (["--until", "2026-03-02"], {1, 2}),
        (["--since", "2026-03-02", "--until", "2026-03-02"], {2}),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_recordings_are_chosen_by_what_is_known_of_them(
    cli: Cli, calls: list[Record], arguments: list[str], expected: set[int]
) -> None:
    for record, day in zip(calls, (1, 2, 3), strict=True):
        added = datetime(2026, 3, day, 23, 59, 59).timestamp()
        Table.update(created_at=added).where(Table.id == record.id).execute()
    assert {hit[0] for hit in found(cli, "salary", *arguments)} == expected


def test_a_day_that_is_none_is_wrong_usage(cli: Cli) -> None:
    assert cli("search", "a", "--since", "yesterday").code == 2
    assert cli("search", "a", "--speaker", " ").code == 2


def test_a_segment_without_words_is_found_at_its_start_and_by_no_speaker(cli: Cli, store: Store) -> None:
    completed(store, "call", "Good morning.")
    assert found(cli, "morning") == [(1, 3661.5, None)]
    assert found(cli, "morning", "--speaker", "me") == []


@pytest.fixture(scope="module")
def words() -> list[str]:
    return [first + second for first in "abc" for second in "xyz"]


def test_a_narrowed_search_finds_what_a_look_at_every_word_finds(
    settings: Settings, store: Store, words: list[str]
) -> None:
    random = Random(2026)
    spoken_words: list[tuple[int, float, str, str]] = []
    for number in range(1, 130):
        said = [
            (random.choice((ME, THEM, "voice 1")), " ".join(random.choices(words, k=4))) for _ in range(3)
        ]
        record = spoken(settings, store, f"call {number}", said, candidate_id=f"C-{number % 3}")
        spoken_words += [
            (record.id, 5 * place + 0.4 * n, word, speaker)
            for place, (speaker, text) in enumerate(said)
            for n, word in enumerate(text.split())
        ]
    by_candidate = {record.id: record.candidate_id for record in store.records.every()}
    for word in words:
        for speaker in (None, ME, THEM):
            for candidate in (None, "C-1"):
                said_by = SaidBy(frozenset({speaker})) if speaker else None
                hits = store.search.find(word, 10_000, Narrowing(candidate_id=candidate, said=said_by))
                expected = {
                    (record_id, int(start // 5))
                    for record_id, start, it, who in spoken_words
                    if it == word and speaker in (None, who) and candidate in (None, by_candidate[record_id])
                }
                assert {(hit.record_id, int(hit.moment_seconds // 5)) for hit in hits} == expected
                few = store.search.find(word, 7, Narrowing(candidate_id=candidate, said=said_by))
                assert few == hits[:7]
