"""What is laid over the words of a record: who said them, and what persons put right."""

from __future__ import annotations

from peewee import CompositeKey, ForeignKeyField, Model

from shared.store.fields import AutoField, DoubleField, IntegerField, TextField
from shared.store.tables.records import RecordRow


class SpeakerLabelRow(Model):
    """Who said some words: an overlay on words `first_word` to `last_word` of a record."""

    id = AutoField()
    record = ForeignKeyField(RecordRow, on_delete="CASCADE", backref="speaker_labels", index=False)
    first_word = IntegerField()
    last_word = IntegerField()
    speaker = TextField()
    source = TextField()
    probability = DoubleField(null=True)

    class Meta:
        table_name = "speaker_labels"
        indexes = ((("record", "first_word"), False), (("speaker", "record"), False))


SpeakerLabelRow.add_index(
    SpeakerLabelRow.record, name="speakerlabel_of_persons", where=SpeakerLabelRow.source == "person"
)


class SpeakerNameRow(Model):
    """The name a person gave to a speaker of a record."""

    record = ForeignKeyField(RecordRow, on_delete="CASCADE", index=False)
    speaker = TextField()
    name = TextField()

    class Meta:
        table_name = "speaker_names"
        primary_key = CompositeKey("record", "speaker")


class VoiceTurnRow(Model):
    """A time in which one voice of a record speaks, in a recording of one channel."""

    id = AutoField()
    record = ForeignKeyField(RecordRow, on_delete="CASCADE", backref="voice_turns")
    start_ms = IntegerField()
    end_ms = IntegerField()
    voice = IntegerField()
    probability = DoubleField()

    class Meta:
        table_name = "voice_turns"


class CorrectionRow(Model):
    """A person's correction of words `first_word` to `last_word` of a record."""

    id = AutoField()
    record = ForeignKeyField(RecordRow, on_delete="CASCADE", backref="corrections")
    first_word = IntegerField()
    last_word = IntegerField()
    text = TextField()
    source = TextField()
    made_at = DoubleField()

    class Meta:
        table_name = "corrections"


class SpeakerSwapRow(Model):
    """What the machine calls a speaker of a record, and which speaker it is: a person has exchanged them."""

    record = ForeignKeyField(RecordRow, on_delete="CASCADE", index=False)
    speaker = TextField()
    other = TextField()

    class Meta:
        table_name = "speaker_swaps"
        primary_key = CompositeKey("record", "speaker")


class UnplacedRow(Model):
    """A person's correction or label that points at no words: its transcript was replaced."""

    id = AutoField()
    record = ForeignKeyField(RecordRow, on_delete="CASCADE", backref="unplaced")
    kind = TextField()
    start_ms = IntegerField()
    end_ms = IntegerField()
    before = TextField()  # the words before those that it was laid over
    heard = TextField()
    after = TextField()
    text = TextField()  # the correction, or the speaker
    made_at = DoubleField()
    channel = IntegerField(null=True)

    class Meta:
        table_name = "unplaced_overlays"


class EditRow(Model):
    """A change by a person, and what persons had laid over the record before it."""

    id = AutoField()
    record = ForeignKeyField(RecordRow, on_delete="CASCADE", backref="edits")
    what = TextField()
    before = TextField()  # JSON
    made_at = DoubleField()

    class Meta:
        table_name = "edits"
