"""The terms for the model to listen for: a recording's hotwords, the glossary, and names if asked."""

from __future__ import annotations

import logging
from dataclasses import replace

from archive import glossary
from archive.names import names_of
from shared.settings import RecordOptions, Settings
from shared.store.store import Store
from shared.store.values import Record

log = logging.getLogger(__name__)


def with_terms(options: RecordOptions, settings: Settings, store: Store, record: Record) -> RecordOptions:
    """Return options whose hotwords have the terms as well, after those that were chosen.

    The model reads the first ones if there are too many, and the recording is flagged.
    """
    chosen = options.hotwords.strip()
    known = {term.strip() for term in chosen.split(",")}
    found = dict.fromkeys((*_glossary(settings), *_names(settings, store, record)))
    more = [term for term in found if term not in known]
    return replace(options, hotwords=", ".join([*([chosen] if chosen else []), *more]))


def _glossary(settings: Settings) -> list[str]:
    """Return the terms of the glossary; one that cannot be read keeps no recording from being transcribed."""
    try:
        return glossary.terms(settings.glossary)
    except glossary.GlossaryUnreadable:
        log.warning("the glossary cannot be read; `offhook doctor` names the remedy")
        return []


def _names(settings: Settings, store: Store, record: Record) -> list[str]:
    """Return the names of the people in a recording, if the settings say so; numbers and codes are none."""
    if not settings.names_as_hotwords:
        return []
    known = names_of(store, record, settings.my_name).values()
    return [name for name in known if not any(sign.isdecimal() for sign in name)]
