"""Writes the notes of a running recording into the database: its call, verdict and loudness."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from capture_worker.capture import DualStreamCapture
from capture_worker.levels import TICKS_PER_SECOND
from shared.errors import StoreError
from shared.logs import discreet
from shared.store.captures import Captures
from shared.store.values import Capture

log = logging.getLogger(__name__)

TICKS_PER_MINUTE = 60 * TICKS_PER_SECOND


class Notes:
    """The notes of one recording; after a failed write the next one writes everything."""

    def __init__(self, captures: Captures, call: Capture) -> None:
        self._captures, self.call = captures, call
        self._begun = False
        self._noted_ticks = 0
        self._noted_strain: str | None = None

    def attach(self, candidate_id: str | None, project_id: str | None) -> None:
        """Set the candidate and the project, where they are given, in the row that is to be written."""
        call = self.call
        self.call = replace(
            call,
            candidate_id=call.candidate_id if candidate_id is None else candidate_id,
            project_id=call.project_id if project_id is None else project_id,
        )

    def begin(self) -> None:
        """Insert the row by which other processes find the recording. Raises StoreError."""
        if not self._begun:
            call = self.call
            self._captures.begin(
                call.session_id,
                Path(call.recording_path),
                title=call.title,
                candidate_id=call.candidate_id,
                project_id=call.project_id,
                layout=call.layout,
                started_at=call.started_at,
                worker_id=call.worker_id,
                live=call.live,
            )
            self._begun = True

    def write(self, capture: DualStreamCapture) -> None:
        """Update the notes. Raises StoreError."""
        self.begin()
        ticks = capture.loudness.ticks
        minutes = range(self._noted_ticks // TICKS_PER_MINUTE, -(-ticks // TICKS_PER_MINUTE))
        levels = {
            minute: capture.loudness.between(
                minute * TICKS_PER_MINUTE, min(ticks, (minute + 1) * TICKS_PER_MINUTE)
            )
            for minute in minutes
        }
        self._captures.note(self.call.session_id, capture.verdict.as_dict(), levels)
        self._noted_ticks = ticks

    def note_strain(self, capture: DualStreamCapture) -> None:
        """Note what recording has trouble with, if that has changed; log a failure."""
        strain = capture.strain
        if not self._begun or strain == self._noted_strain:
            return
        try:
            self._captures.note_strain(self.call.session_id, strain)
        except StoreError as error:
            log.warning("trouble of a recording cannot be noted: %s", discreet(error))
        else:
            log.info("recording: %s", strain or "no trouble any more")
            self._noted_strain = strain

    def try_to_write(self, capture: DualStreamCapture) -> None:
        """Update the notes; log a failure."""
        try:
            self.write(capture)
        except StoreError as error:
            log.warning("the notes of a recording have to wait: %s", discreet(error))
