"""Candidates, projects and names that a person may mean again."""

from __future__ import annotations

from offhook.desk.desk import Desk

REMEMBERED_RECORDS, REMEMBERED_VALUES = 200, 50


def known_values(desk: Desk) -> dict[str, list[str]]:
    """Return candidates and projects of the newest recordings, and names of speakers, each once."""
    newest = desk.store.records.newest(REMEMBERED_RECORDS)
    found = {
        name: list(dict.fromkeys(value for record in newest if (value := getattr(record, name))))
        for name in ("candidate_id", "project_id")
    }
    known = {name: values[:REMEMBERED_VALUES] for name, values in found.items()}
    return known | {"speaker": desk.store.known_names.given(REMEMBERED_VALUES)}
