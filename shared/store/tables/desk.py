"""What the desk keeps: changes to be seen, who may come in, notes, unsaved text, and who is notified."""

from __future__ import annotations

from peewee import SQL, BlobField, BooleanField, CompositeKey, ForeignKeyField, Model

from shared.store.fields import AutoField, BigIntegerField, DoubleField, IntegerField, TextField
from shared.store.tables.records import RecordRow


class RecordChangeRow(Model):
    """When a record last changed, in the order of all changes; triggers write it (`sqlite/desk_schema.py`).

    It stays when its record is deleted, so that a page that was away learns of that too.
    """

    record_id = IntegerField(primary_key=True)
    seq = IntegerField(unique=True)
    words_seq = IntegerField(default=0, constraints=[SQL("DEFAULT 0")])  # when its transcript last changed
    is_deleted = BooleanField(default=False, constraints=[SQL("DEFAULT 0")])
    owner_id = IntegerField(null=True)  # of its record, also when that is deleted
    session_id = TextField(null=True)  # of a record that is deleted; NULL while it is there

    class Meta:
        table_name = "record_changes"
        indexes = ((("owner_id", "seq"), False),)


class AccessRow(Model):
    """A one-time link, a browser's session or a program's token: the hash of its secret, never the secret.

    The name of a session is the number of the system's user who began it, None if it was not known.
    """

    id = AutoField()
    kind = TextField()
    digest = TextField(unique=True)
    name = TextField(null=True)
    scopes = TextField(default="")
    created_at = DoubleField()
    expires_at = DoubleField(null=True)
    last_used_at = DoubleField(null=True)
    person_id = IntegerField(null=True, index=True)  # whose it is; NULL: of the person whose home it is
    workstation = TextField(null=True)  # the host that a workstation's token has joined from

    class Meta:
        table_name = "access"


class DraftRow(Model):
    """A text that a person is typing for the passage that begins with a word."""

    record = ForeignKeyField(RecordRow, on_delete="CASCADE", index=False)
    first_word = IntegerField()
    base = TextField()  # the version of the passage that the typing began with
    text = TextField()
    made_at = DoubleField()

    class Meta:
        table_name = "drafts"
        primary_key = CompositeKey("record", "first_word")


class NoteRow(Model):
    """A person's note at a moment of a record."""

    id = AutoField()
    record = ForeignKeyField(RecordRow, on_delete="CASCADE", backref="notes")
    at_ms = IntegerField()
    text = TextField()
    made_at = DoubleField()

    class Meta:
        table_name = "notes"


class WaveformRow(Model):
    """The peaks of a recording: for each side a byte for each tick, in dBFS from -127.5 (0) to 0 (255)."""

    record = ForeignKeyField(RecordRow, on_delete="CASCADE", primary_key=True, index=False)
    sha256 = TextField(null=True)  # of the recording that they were computed from
    ticks_per_second = IntegerField()
    sides = IntegerField()
    peaks = BlobField()  # one side after the other

    class Meta:
        table_name = "waveforms"


class DeletionRow(Model):
    """A record that a person has deleted, which can be undone until it is due."""

    record = ForeignKeyField(RecordRow, on_delete="CASCADE", primary_key=True, index=False)
    due_at = DoubleField()

    class Meta:
        table_name = "deletions"


class UploadRow(Model):
    """A recording that a browser or a program is sending; the length of its file says how far it is."""

    id = TextField(primary_key=True)  # its record gets this as its session id
    name = TextField()
    size_bytes = BigIntegerField()
    recording_path = TextField(unique=True)  # where it will be in the inbox
    options = TextField(default="{}")  # JSON: settings and columns chosen for its record
    created_at = DoubleField()

    class Meta:
        table_name = "uploads"


class HookRow(Model):
    """Who is notified when a record is completed or has failed: an address, or a program."""

    id = AutoField()
    kind = TextField()
    target = TextField()  # a URL, or a JSON list: the program and its arguments
    secret = TextField(default="")
    events = TextField(default="[]")  # JSON
    has_words = BooleanField(default=False, constraints=[SQL("DEFAULT 0")])
    created_at = DoubleField()
    first_failed_at = DoubleField(null=True)  # the first failed attempt since the last success
    stopped_at = DoubleField(null=True)
    stopped_why = TextField(null=True)

    class Meta:
        table_name = "hooks"


class DeliveryRow(Model):
    """A notification for one hook of one event of one record."""

    id = AutoField()
    hook = ForeignKeyField(HookRow, on_delete="CASCADE", backref="deliveries")
    record = ForeignKeyField(RecordRow, on_delete="CASCADE", backref="deliveries")
    event = TextField()
    message_id = TextField(unique=True)
    state = TextField()
    attempts = IntegerField(default=0, constraints=[SQL("DEFAULT 0")])
    next_attempt_at = DoubleField(default=0.0, constraints=[SQL("DEFAULT 0")])
    last_status = IntegerField(null=True)
    last_error = TextField(null=True)
    created_at = DoubleField()
    finished_at = DoubleField(null=True)

    class Meta:
        table_name = "deliveries"
        indexes = ((("state", "next_attempt_at"), False),)
