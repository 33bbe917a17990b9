"""The tables, as peewee models that are bound to no database: `Database` runs the queries made of them.

`sqlite/migrations.py` creates the tables; a test compares the two. Times are seconds since 1970 in UTC, in
double precision, so that a time that was read can be compared for equality. Integers that count bytes or
nanoseconds have 64 bits. Columns with JSON are named in their comment.
"""

from __future__ import annotations

from shared.store.tables.desk import (
    AccessRow,
    DeletionRow,
    DeliveryRow,
    DraftRow,
    HookRow,
    NoteRow,
    RecordChangeRow,
    UploadRow,
    WaveformRow,
)
from shared.store.tables.live import LiveCallRow, LiveWindowRow
from shared.store.tables.overlays import (
    CorrectionRow,
    EditRow,
    SpeakerLabelRow,
    SpeakerNameRow,
    SpeakerSwapRow,
    UnplacedRow,
    VoiceTurnRow,
)
from shared.store.tables.records import (
    CaptureRow,
    DecodedWindowRow,
    ErasureRow,
    ExpectedReceiptRow,
    InboxFileRow,
    LibraryFileRow,
    LoudnessRow,
    QueueStateRow,
    RecordRow,
    ScrubRow,
    SegmentRow,
    WorkerRow,
)

TABLES = (
    RecordRow,
    DecodedWindowRow,
    SegmentRow,
    InboxFileRow,
    CaptureRow,
    LoudnessRow,
    WorkerRow,
    QueueStateRow,
    ErasureRow,
    ExpectedReceiptRow,
    ScrubRow,
    SpeakerLabelRow,
    SpeakerNameRow,
    VoiceTurnRow,
    CorrectionRow,
    SpeakerSwapRow,
    UnplacedRow,
    EditRow,
    LibraryFileRow,
    RecordChangeRow,
    AccessRow,
    DraftRow,
    NoteRow,
    WaveformRow,
    DeletionRow,
    UploadRow,
    HookRow,
    DeliveryRow,
    LiveCallRow,
    LiveWindowRow,
)

__all__ = [
    "TABLES",
    "AccessRow",
    "CaptureRow",
    "CorrectionRow",
    "DecodedWindowRow",
    "DeletionRow",
    "DeliveryRow",
    "DraftRow",
    "EditRow",
    "ErasureRow",
    "ExpectedReceiptRow",
    "HookRow",
    "InboxFileRow",
    "LibraryFileRow",
    "LiveCallRow",
    "LiveWindowRow",
    "LoudnessRow",
    "NoteRow",
    "QueueStateRow",
    "RecordChangeRow",
    "RecordRow",
    "ScrubRow",
    "SegmentRow",
    "SpeakerLabelRow",
    "SpeakerNameRow",
    "SpeakerSwapRow",
    "UnplacedRow",
    "UploadRow",
    "VoiceTurnRow",
    "WaveformRow",
    "WorkerRow",
]

for _table in TABLES:  # indexes are named after the row, as the migrations name them
    _table._meta.name = _table.__name__.removesuffix("Row").lower()
