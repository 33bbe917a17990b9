"""Each error that stops a recording has a remedy in words."""

from __future__ import annotations

from dataclasses import replace

from offhook.desk.remedies import _REMEDIES, remedy
from shared.store.transitions import FAILED
from shared.store.values import Record
from tests.unit.test_docs import DOCS

FAILED_RECORD = Record(1, "s", "inbox", "call", "/call.wav", FAILED, 1.0)


def documented() -> list[str]:
    """The codes in the table of the errors of a recording."""
    section = (DOCS / "states-and-errors.md").read_text("utf-8").split("## Errors of a recording")[1]
    rows = [line for line in section.split("\n## ")[0].splitlines() if line.startswith("| `")]
    return [row.split("`")[1] for row in rows]


def test_every_documented_error_of_a_recording_has_a_remedy_and_no_other() -> None:
    assert sorted(_REMEDIES) == sorted(documented())


def test_a_limit_is_named_in_its_remedy() -> None:
    text = remedy(replace(FAILED_RECORD, error_code="longest_hours"))
    assert text
    assert "longest_hours" in text


def test_an_error_of_the_system_has_a_remedy_too() -> None:
    assert remedy(replace(FAILED_RECORD, error_code="PermissionError"))
    assert remedy(FAILED_RECORD) is None
