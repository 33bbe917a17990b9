"""What the sender of a recording chooses for its record: columns, and settings of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import PurePosixPath
from typing import Any

from shared.errors import SettingsError
from shared.plain_text import one_line
from shared.setting_values import coerce
from shared.settings import RECORD_OPTIONS, RecordOptions, Settings
from shared.store.values import Record

LONGEST_TEXT = 500
_TEXTS = ("title", "candidate_id", "project_id")
#: Of any record: more is not more urgent.
MOST_URGENT = 100
BROWSER, API = "upload", "api"


@dataclass(frozen=True)
class RecordChoices:
    """What was chosen for a record; `fingerprint` is the sender's own name for the file."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: str = ""

    def in_turn(self) -> RecordChoices:
        """Return them without urgency: who moves others back has to see them."""
        return replace(self, columns={**self.columns, "priority": min(0, self.columns.get("priority", 0))})

    def stored(self) -> dict[str, Any]:
        """Return them as an upload's row has them."""
        return {**self.columns, "options": dict(self.options), "fingerprint": self.fingerprint}


def read(given: Mapping[str, str], source: str = BROWSER) -> RecordChoices:
    """Read what was chosen; other names are ignored. Raises SettingsError."""
    columns: dict[str, Any] = {"source": source}
    for name in _TEXTS:
        if text := one_line(given.get(name, "")).strip():
            columns[name] = text[:LONGEST_TEXT]
    if given.get("priority"):
        columns["priority"] = _priority(given["priority"])
    options = {name: given[name] for name in RECORD_OPTIONS if name in given}
    return RecordChoices(
        columns, options_of(options, "the upload"), given.get("fingerprint", "")[:LONGEST_TEXT]
    )


def options_of(given: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Check settings for one recording alone. Raises SettingsError."""
    if unknown := sorted(given.keys() - set(RECORD_OPTIONS)):
        raise SettingsError(f"{unknown[0]} is no setting that a recording may have of its own ({source}).")
    return {name: coerce(name, value, source) for name, value in given.items()}


def other_options(record: Record, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the wanted options that a record was not given so."""
    return {name: value for name, value in wanted.items() if record.options.get(name) != value}


def offered(settings: Settings) -> list[dict[str, Any]]:
    """Describe the settings that a recording may have of its own, each with its present value."""
    return [
        {
            "name": it.name,
            "help": it.metadata["doc"].replace("`", ""),
            "value": getattr(settings, it.name),
            "choices": list(it.metadata.get("choices") or ()),
        }
        for it in fields(RecordOptions)
    ]


def file_name(given: str) -> str:
    """Return the last part of a name, which may be a path of another system."""
    return one_line(PurePosixPath(given.replace("\\", "/")).name).strip()[:LONGEST_TEXT]


def _priority(text: str) -> int:
    try:
        found = int(text)
    except ValueError:
        raise SettingsError(f"priority must be a whole number, not {text!r}.") from None
    return max(-MOST_URGENT, min(MOST_URGENT, found))
