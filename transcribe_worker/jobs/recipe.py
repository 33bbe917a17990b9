"""By what a record is decoded; what was decoded of its call by the same is good for it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from shared.errors import BadOptions, SettingsError
from shared.setting_values import for_recording
from shared.settings import RecordOptions, Settings
from shared.store.store import Store
from shared.store.transitions import QUEUED
from shared.store.values import Capture, Record
from transcribe_worker.jobs.terms import with_terms

#: Raise it when other words come of the same options.
VERSION = 1


def effective_options(record: Record, settings: Settings) -> RecordOptions:
    """Return a recording's own options over the settings. Raises BadOptions."""
    if "options" in record.damaged:
        raise BadOptions(f"The options of recording {record.id} are damaged.", record.id)
    try:
        return for_recording(settings, record.options)
    except SettingsError as error:
        raise BadOptions(f"The options of recording {record.id} are damaged: {error}", record.id) from error


def options_of(settings: Settings, store: Store, record: Record) -> RecordOptions:
    """Return the options by which a record is decoded, with its terms. Raises BadOptions."""
    return with_terms(effective_options(record, settings), settings, store, record)


def of_call(call: Capture) -> Record:
    """Return the record that a call will be, as far as its options depend on it."""
    about = (call.session_id, "capture", call.title, call.recording_path, QUEUED, call.started_at)
    return Record(0, *about, candidate_id=call.candidate_id, project_id=call.project_id)


def recipe(options: RecordOptions) -> str:
    """Return a short name of options; it is the same for the same options alone."""
    written = json.dumps([VERSION, asdict(options)], sort_keys=True)
    return hashlib.sha256(written.encode()).hexdigest()[:32]
