"""What is decoded of a call while it is recorded."""

from __future__ import annotations

from peewee import ForeignKeyField, Model

from shared.store.fields import AutoField, DoubleField, IntegerField, TextField
from shared.store.tables.records import CaptureRow


class LiveCallRow(Model):
    """A call that is decoded while it is recorded: who does it, how, and how far it is."""

    session_id = ForeignKeyField(
        CaptureRow, column_name="session_id", on_delete="CASCADE", primary_key=True, index=False
    )
    state = TextField()
    why = TextField(null=True)  # it is off, for people
    worker_id = TextField(null=True)
    host = TextField(null=True)
    token = TextField(null=True)  # of the worker's claim; NULL: nobody decodes it
    lease_expires_at = DoubleField(null=True)
    recipe = TextField()  # the model and all else that the decoded text depends on
    model = TextField()
    language = TextField(null=True)
    language_probability = DoubleField(null=True)
    flags = TextField(default="[]")  # JSON
    crashes = IntegerField(default=0)
    final_seconds = DoubleField(default=0.0)  # everything before is final
    heard_seconds = DoubleField(default=0.0)  # there is text up to here, final or provisional
    behind_seconds = DoubleField(default=0.0)  # recorded, and not heard yet; 0 while it keeps up
    speed = DoubleField(null=True)  # seconds of audio decoded in a second
    yields = TextField(null=True)  # why nothing is decoded now
    provisional = TextField(default="[]")  # JSON: [[start_ms, end_ms, text, speaker], …]
    revision = IntegerField(default=0)  # grows with every change that a person can see
    updated_at = DoubleField()

    class Meta:
        table_name = "live_calls"


class LiveWindowRow(Model):
    """A decoded window of a running call, which its record takes over; `words` is for showing."""

    id = AutoField()
    session_id = ForeignKeyField(
        LiveCallRow, column_name="session_id", on_delete="CASCADE", backref="windows"
    )
    start_seconds = DoubleField()
    end_seconds = DoubleField()
    stretch_seconds = DoubleField()
    segments = TextField()  # JSON
    channel = IntegerField(null=True)
    words = TextField(default="[]")  # JSON: [[start_ms, end_ms, text, speaker], …]

    class Meta:
        table_name = "live_windows"
