"""From the decoded windows of a record to its transcript: merge the sides, label the words, commit."""

from __future__ import annotations

import logging

from shared.errors import StoreError
from shared.logs import discreet
from shared.store.claims import Claim
from shared.store.store import Store
from shared.store.values import Record
from shared.words import numbered
from transcribe_worker.jobs.findings import Findings
from transcribe_worker.speakers.by_channels import merged
from transcribe_worker.speakers.labelling import Evidence, labels

log = logging.getLogger(__name__)


def complete(store: Store, claim: Claim, findings: Findings, noticed: tuple[str, ...] = ()) -> Record:
    """Commit the transcript of a record whose windows are all committed. Raises ClaimLost.

    `noticed` are flags of its words that earlier attempts have found.
    """
    record = claim.record
    windows = store.transcripts.windows(record.id)
    segments = numbered(
        merged((segment for window in windows for segment in window.segments), findings.levels)
    )
    turns = findings.voice_turns
    evidence = Evidence(record.is_capture, store.captures.levels(record.session_id), turns)
    found = labels(segments, evidence)
    completed = store.claims.complete(claim, segments, found, turns, **findings.outcome(noticed))
    _keep_waveform(store, completed, findings)
    return completed


def _keep_waveform(store: Store, record: Record, findings: Findings) -> None:
    """Store the peaks, unless capture has measured the call; the desk can measure them, too."""
    if (waveform := findings.waveform(record.sha256)) and not record.is_capture:
        try:
            store.waveforms.save(record.id, waveform)
        except StoreError as error:
            log.info("recording %d: no waveform stored: %s", record.id, discreet(error))
