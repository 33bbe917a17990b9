"""Titles of any kind become names that every system takes."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.library import Library, safe_name
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.library.archiving import assert_archived, completed, put

NAMES = [
    "Zoë & Łukasz 李 😀",
    "two\nlines",
    "-rf",
    "--help",
    "é" * 125 + "a",
    "😀" * 62,
    "CON",
    "con.call",
    "nul.txt",
    "COM1",
    "lpt9.x.y",
    "CONIN$",
    "con .call",
    "trailing dots...",
    " spaces ",
    "...",
    ".hidden",
    "",
    "a/b",
    "a\\b",
    "../../../etc/passwd",
    'what? "who": <me>|*',
    "tab\tand\x00null",
    "x" * 300,
    "x" * 179 + ". . .",
]


def is_fine_everywhere(name: str) -> bool:
    """By Microsoft's rules for naming files, and the 255 bytes of everybody else."""
    device = re.split(r"[.:]", name.upper())[0].rstrip(" ")
    return (
        name not in ("", ".", "..")
        and not re.search(r'[<>:"/\\|?*\x00-\x1f\x7f]', name)
        and name[-1] not in " ."
        and not re.fullmatch(r"CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]", device)
        and len(name.encode()) <= 255
    )


@pytest.mark.parametrize("title", NAMES)
def test_a_title_of_any_kind_becomes_a_name_that_every_system_takes(title: str):
    assert is_fine_everywhere(safe_name(title))
    assert is_fine_everywhere(f"{safe_name(title)} (123456).json")


def test_recordings_with_titles_of_any_kind_are_archived_and_keep_their_titles(
    library: Library, store: Store, settings: Settings
):
    for number, title in enumerate(NAMES):
        record = completed(store, put(settings.inbox, f"{number}.wav", b"%d" % number), title=title)

        stem = library.archive(record)

        assert len(stem.relative_to(settings.library).parts) == 3
        assert_archived(store, settings, record.id, b"%d" % number)
        assert store.records.get(record.id).title == title


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_recordings_whose_own_names_are_odd_are_archived(library: Library, store: Store, settings: Settings):
    for name in "-rf.wav", "two\nlines.wav", "CON.wav", "é" * 125 + "a.wav", "a.b..wav", "Call.WAV":
        record = completed(store, put(settings.inbox, name))

        library.archive(record)

        assert_archived(store, settings, record.id, b"the recording")


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_names_are_safe_whatever_the_title(title: str):
    name = safe_name(title)

    assert is_fine_everywhere(f"{name} (123456).json")
    assert is_fine_everywhere(name)
    assert safe_name(name) == name


def test_a_plain_title_is_the_name():
    assert safe_name("2026-11-03 Call with Zoë (final)") == "2026-11-03 Call with Zoë (final)"
