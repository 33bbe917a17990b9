"""`offhook search`."""

from __future__ import annotations

import pytest

from shared.store.store import Store
from tests.integration.commands.calling import Cli, Done, completed


@pytest.mark.parametrize(
    "words",
    [
        ["grüße"],
        ["GRÜßE"],
        ["Gr*"],
        ["weber", "grüße"],
        ["grüße weber"],
        ['"grüße"'],
        ["(grüße)"],
        ["--", "-grüße"],
        ["grüße*", '"weber'],
        ["o'brien"],
        ["e-mail"],
    ],
    ids=" ".join,
)
def test_search_finds_what_was_said(cli: Cli, store: Store, words: list[str]) -> None:
    completed(store, "call", "Grüße an Frau Weber.", "An O'Brien per E-Mail.", "Nothing else.")
    done = cli("search", *words)
    assert (done.code, len(done.out.splitlines())) == (0, 1), done


@pytest.mark.parametrize(
    "words",
    [["*"], ['"'], ["''"], ["NEAR(a,b)"], ["grüße", "OR", "weber"], ["text:grüße"], ["^grüße"], ["absent"]],
    ids=" ".join,
)
def test_what_is_not_there_is_not_found_whatever_signs_are_in_it(
    cli: Cli, store: Store, words: list[str]
) -> None:
    completed(store, "call", "Nothing of that kind.")
    assert cli("search", *words) == Done(0, "", "Nothing found.\n")
    assert cli("search", *words, "--json").json == {"hits": []}


def test_search_shows_moment_title_and_words_of_the_newest_first(cli: Cli, store: Store) -> None:
    completed(store, "old", "Good morning.")
    completed(store, "new", "Good morning, good evening.")
    lines = cli("search", "good", "morning").out.splitlines()
    assert lines == [
        "    2  01:01:01  new: [Good] [morning], [good] evening.",
        "    1  01:01:01  old: [Good] [morning].",
    ]
    assert [hit["record_id"] for hit in cli("search", "good", "--limit", 1, "--json").json["hits"]] == [2]


def test_nothing_is_found_of_what_is_deleted(cli: Cli, store: Store) -> None:
    completed(store, "deleted", "Good morning.")
    cli("delete", "--yes", 1)
    assert cli("search", "morning").out == ""
