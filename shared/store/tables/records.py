"""Records, their transcripts, captures, and the processes that work on them."""

from __future__ import annotations

from peewee import SQL, BlobField, BooleanField, CompositeKey, ForeignKeyField, Model

from shared.store.fields import AutoField, BigIntegerField, DoubleField, IntegerField, TextField


class RecordRow(Model):
    """A call: where its recording is, how far its transcription got, whose it is now."""

    id = AutoField()
    session_id = TextField(unique=True)
    source = TextField()
    title = TextField()
    candidate_id = TextField(null=True)
    project_id = TextField(null=True)
    recording_path = TextField(index=True)
    sha256 = TextField(null=True, index=True)
    size_bytes = BigIntegerField(null=True)
    modified_ns = BigIntegerField(null=True)
    duration_seconds = DoubleField(null=True)
    flags = TextField(default="[]")  # JSON: what is wrong with the recording
    options = TextField(default="{}")  # JSON: settings chosen for this recording alone
    transcription_status = TextField()
    transcription_error = TextField(null=True)
    error_code = TextField(null=True)
    priority = IntegerField(default=0)
    attempts = IntegerField(default=0)
    crashes = IntegerField(default=0)
    progress = DoubleField(default=0.0)
    speed = DoubleField(null=True)  # seconds of audio decoded in a second, in this attempt
    language = TextField(null=True)
    model = TextField(null=True)  # while it waits: the requested one, NULL for the default; then the one used
    claim_token = TextField(null=True)
    worker_id = TextField(null=True)
    lease_expires_at = DoubleField(null=True)
    next_attempt_at = DoubleField(default=0.0)
    library_stem = TextField(null=True, unique=True, collation="NOCASE")  # some systems know no case
    archived_at = DoubleField(null=True, column_name="filed_at")
    created_at = DoubleField()
    started_at = DoubleField(null=True)
    completed_at = DoubleField(null=True)
    worker_host = TextField(null=True)  # NULL: the host of this home
    requested_model = TextField(null=True)  # NULL: the default one
    language_probability = DoubleField(null=True)  # NULL: nobody had to find it, or not yet
    storage_key = TextField(
        null=True
    )  # of the recording in the team's storage; NULL: `recording_path` is a file
    owner_id = IntegerField(null=True, index=True)  # the person whose call it is; NULL: whose home it is
    workstation = TextField(null=True)  # the host that recorded it; NULL: this home has added it itself

    class Meta:
        table_name = "call_records"
        indexes = (
            (("transcription_status",), False),
            (("transcription_status", "model"), False),
            (("transcription_status", "completed_at"), False),
            (("transcription_status", "error_code"), False),
        )


_BY_URGENCY = (RecordRow.transcription_status, RecordRow.priority.desc(), RecordRow.id)
RecordRow.add_index(*_BY_URGENCY, name="record_urgency")
RecordRow.add_index(*_BY_URGENCY, name="record_urgency_begun", where=RecordRow.started_at.is_null(False))
RecordRow.add_index(
    *(RecordRow.transcription_status, RecordRow.owner_id, RecordRow.priority.desc(), RecordRow.id),
    name="record_turns",
    where=RecordRow.owner_id.is_null(False),
)
RecordRow.add_index(
    RecordRow.transcription_status, name="record_unfiled", where=RecordRow.archived_at.is_null()
)


class DecodedWindowRow(Model):
    """A decoded window, after which the next attempt continues."""

    id = AutoField()
    record = ForeignKeyField(RecordRow, on_delete="CASCADE", backref="windows")
    start_seconds = DoubleField()
    end_seconds = DoubleField()
    stretch_seconds = DoubleField()  # where speech detection must start again to find the same windows
    segments = TextField()  # JSON
    channel = IntegerField(null=True)  # NULL: the recording has one, or its channels were mixed

    class Meta:
        table_name = "decoded_windows"


class SegmentRow(Model):
    """A sentence or so of a finished transcript."""

    id = AutoField()
    record = ForeignKeyField(RecordRow, on_delete="CASCADE", backref="segments")
    start_seconds = DoubleField()
    end_seconds = DoubleField()
    text = TextField()
    average_log_probability = DoubleField(null=True)
    no_speech_probability = DoubleField(null=True)
    compression_ratio = DoubleField(null=True)
    words = TextField(null=True)  # JSON: [[start, end, word, probability], …]
    doubts = TextField(null=True)  # JSON: the reasons to doubt it; NULL if there are none
    first_word = IntegerField(default=0, constraints=[SQL("DEFAULT 0")])  # its number within the record
    search_text = TextField(null=True)  # the indexed text; NULL: `text` itself
    channel = IntegerField(null=True)
    corrected_text = TextField(null=True)  # as persons have corrected it; NULL: they have not

    class Meta:
        table_name = "segments"


class InboxFileRow(Model):
    """A file that the inbox has handled, with its size and time then."""

    path = TextField(primary_key=True)
    size_bytes = BigIntegerField()
    modified_ns = BigIntegerField()
    outcome = TextField(index=True)
    record = ForeignKeyField(RecordRow, null=True, on_delete="CASCADE", index=True)

    class Meta:
        table_name = "inbox_files"


class CaptureRow(Model):
    """A call that is being recorded, or was: whose it is, where it will be, how well it was heard."""

    session_id = TextField(primary_key=True)
    state = TextField(index=True)
    title = TextField()
    candidate_id = TextField(null=True)
    project_id = TextField(null=True)
    recording_path = TextField(index=True)  # one may be recorded to again
    layout = TextField()
    worker_id = TextField()  # the process that records it
    started_at = DoubleField()
    duration_seconds = DoubleField(default=0.0)
    verdict = TextField(default="{}")  # JSON
    host = TextField(null=True)  # where that process runs; NULL: the host of this home
    live = IntegerField(null=True)  # 0 or 1: whether to decode it while it runs; NULL: as the setting says
    strain = TextField(null=True)  # why recording it has trouble now; NULL: it has none

    class Meta:
        table_name = "captures"
        indexes = ((("state", "started_at"), False),)


class LoudnessRow(Model):
    """A minute of how loud each side of a call was: a byte for each tick (`shared/loudness.py`)."""

    capture = ForeignKeyField(CaptureRow, column_name="session_id", on_delete="CASCADE", index=False)
    minute = IntegerField()
    microphone = BlobField()
    loopback = BlobField()
    ticks_per_second = IntegerField(default=10, constraints=[SQL("DEFAULT 10")])
    echo = BlobField(default=b"", constraints=[SQL("DEFAULT x''")])

    class Meta:
        table_name = "loudness"
        primary_key = CompositeKey("capture", "minute")


class WorkerRow(Model):
    """A running process of offhook; its lock file on its own host says whether it still runs."""

    id = TextField(primary_key=True)
    kind = TextField()
    pid = IntegerField()
    state = TextField()
    started_at = DoubleField()
    last_seen_at = DoubleField()
    engines = TextField(null=True)  # JSON: how each of its engines uses the machine
    host = TextField(null=True)  # where it runs; NULL: the host of this home

    class Meta:
        table_name = "workers"


class QueueStateRow(Model):
    """The one row with the state of the whole queue."""

    id = IntegerField(primary_key=True)
    paused = BooleanField(default=False)
    retention_applied_at = DoubleField(null=True)

    class Meta:
        table_name = "queue_state"


class ErasureRow(Model):
    """A record that is marked for deletion. It has no foreign key: the mark goes with the record's row."""

    record_id = IntegerField(primary_key=True)

    class Meta:
        table_name = "erasures"


class ExpectedReceiptRow(Model):
    """A receipt that is to be finished when all marked records are deleted."""

    name = TextField(primary_key=True)

    class Meta:
        table_name = "expected_receipts"


class ScrubRow(Model):
    """The one row that says that rows were deleted since the database's files were last scrubbed."""

    id = IntegerField(primary_key=True)
    token = TextField()
    rewritten = BooleanField(default=False)

    class Meta:
        table_name = "scrubs"


class LibraryFileRow(Model):
    """The content of a transcript in the library, by which it is found where a person has renamed it."""

    record = ForeignKeyField(RecordRow, on_delete="CASCADE", index=False)
    suffix = TextField()
    sha256 = TextField()
    size_bytes = IntegerField()

    class Meta:
        table_name = "library_files"
        primary_key = CompositeKey("record", "suffix", "sha256")
