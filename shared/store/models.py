"""The tables, as peewee models. `migrations.py` makes them; a test holds the two together.

Times are seconds since 1970 in UTC. Columns that hold JSON are named in their comment.
"""

from __future__ import annotations

from peewee import (
    AutoField,
    BlobField,
    CompositeKey,
    FloatField,
    ForeignKeyField,
    IntegerField,
    Model,
    TextField,
)


class Record(Model):
    """A call: where its recording is, how far its transcription got, whose it is now."""

    id = AutoField()
    session_id = TextField(unique=True)
    source = TextField()
    title = TextField()
    candidate_id = TextField(null=True)
    project_id = TextField(null=True)
    recording_path = TextField(index=True)
    sha256 = TextField(null=True, index=True)
    size_bytes = IntegerField(null=True)
    modified_ns = IntegerField(null=True)
    duration_seconds = FloatField(null=True)
    flags = TextField(default="[]")  # JSON: what is odd about the recording
    options = TextField(default="{}")  # JSON: settings chosen for this recording alone
    transcription_status = TextField()
    transcription_error = TextField(null=True)
    error_code = TextField(null=True)
    priority = IntegerField(default=0)
    attempts = IntegerField(default=0)
    crashes = IntegerField(default=0)
    progress = FloatField(default=0.0)
    speed = FloatField(null=True)  # seconds of audio decoded in a second, in this attempt
    language = TextField(null=True)
    model = TextField(null=True)  # while it waits: the one asked for, NULL for the default; then the one used
    claim_token = TextField(null=True)
    worker_id = TextField(null=True)
    lease_expires_at = FloatField(null=True)
    next_attempt_at = FloatField(default=0.0)
    library_stem = TextField(null=True, unique=True, collation="NOCASE")  # some systems know no case
    filed_at = FloatField(null=True)
    created_at = FloatField()
    started_at = FloatField(null=True)
    completed_at = FloatField(null=True)

    class Meta:
        table_name = "call_records"
        indexes = (
            (("transcription_status",), False),
            (("transcription_status", "model"), False),
            (("transcription_status", "completed_at"), False),
            (("transcription_status", "error_code"), False),
        )


_BY_URGENCY = (Record.transcription_status, Record.priority.desc(), Record.id)
Record.add_index(*_BY_URGENCY, name="record_urgency")
Record.add_index(*_BY_URGENCY, name="record_urgency_begun", where=Record.started_at.is_null(False))
Record.add_index(Record.transcription_status, name="record_unfiled", where=Record.filed_at.is_null())


class DecodedWindow(Model):
    """A window that the engine has decoded: the checkpoint that the next attempt goes on behind."""

    id = AutoField()
    record = ForeignKeyField(Record, on_delete="CASCADE", backref="windows")
    start_seconds = FloatField()
    end_seconds = FloatField()
    stretch_seconds = FloatField()  # where speech detection must start again to find the same windows
    segments = TextField()  # JSON

    class Meta:
        table_name = "decoded_windows"


class Segment(Model):
    """A sentence or so of a finished transcript."""

    id = AutoField()
    record = ForeignKeyField(Record, on_delete="CASCADE", backref="segments")
    start_seconds = FloatField()
    end_seconds = FloatField()
    text = TextField()
    average_log_probability = FloatField(null=True)
    no_speech_probability = FloatField(null=True)
    compression_ratio = FloatField(null=True)
    words = TextField(null=True)  # JSON: [[start, end, word, probability], …]
    doubts = TextField(null=True)  # JSON: the reasons to doubt it; NULL if there are none

    class Meta:
        table_name = "segments"


class InboxFile(Model):
    """A file the inbox has dealt with, as it was then."""

    path = TextField(primary_key=True)
    size_bytes = IntegerField()
    modified_ns = IntegerField()
    outcome = TextField(index=True)
    record = ForeignKeyField(Record, null=True, on_delete="CASCADE", index=True)

    class Meta:
        table_name = "inbox_files"


class Capture(Model):
    """A call that is being recorded, or was: whose it is, where it will be, how well it was heard."""

    session_id = TextField(primary_key=True)
    state = TextField(index=True)
    title = TextField()
    candidate_id = TextField(null=True)
    project_id = TextField(null=True)
    recording_path = TextField(index=True)  # one may be recorded to again
    layout = TextField()
    worker_id = TextField()  # the process that records it
    started_at = FloatField()
    duration_seconds = FloatField(default=0.0)
    verdict = TextField(default="{}")  # JSON

    class Meta:
        table_name = "captures"


class Loudness(Model):
    """A minute of how loud each side of a call was: a byte for each tenth of a second."""

    capture = ForeignKeyField(Capture, column_name="session_id", on_delete="CASCADE", index=False)
    minute = IntegerField()
    microphone = BlobField()
    loopback = BlobField()

    class Meta:
        table_name = "loudness"
        primary_key = CompositeKey("capture", "minute")


class Worker(Model):
    """A living process; its lock file tells whether it still lives."""

    id = TextField(primary_key=True)
    kind = TextField()
    pid = IntegerField()
    state = TextField()
    started_at = FloatField()
    last_seen_at = FloatField()
    engines = TextField(null=True)  # JSON: how each of its engines uses the machine

    class Meta:
        table_name = "workers"


class Control(Model):
    """What is asked of all workers: to pause, or to finish what somebody has begun."""

    name = TextField(primary_key=True)
    value = TextField()

    class Meta:
        table_name = "controls"


MODELS = (Record, DecodedWindow, Segment, InboxFile, Capture, Loudness, Worker, Control)
