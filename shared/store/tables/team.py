"""What a team of machines adds: people, machines, calls on their way, and who read or changed what.

A workstation has rows in `outbox`, `outbox_deletions` and `joined_servers`; a team's server has rows in the
other tables.
"""

from __future__ import annotations

from peewee import CompositeKey, ForeignKeyField, Model

from shared.store.fields import AutoField, BigIntegerField, DoubleField, IntegerField, TextField
from shared.store.tables.records import RecordRow


class PersonRow(Model):
    """A person with an account on a team's server."""

    id = AutoField()
    name = TextField(unique=True)  # in lower case; the person signs in with it
    shown_name = TextField()
    password = TextField(null=True)  # an Argon2id hash; NULL: the person cannot sign in with a password
    role = TextField()
    created_at = DoubleField()
    disabled_at = DoubleField(null=True)

    class Meta:
        table_name = "people"


class SignInRow(Model):
    """The failed sign-ins of a name or an address, by which further ones are slowed down."""

    key = TextField(primary_key=True)
    failures = IntegerField()
    first_at = DoubleField()
    blocked_until = DoubleField(default=0.0)

    class Meta:
        table_name = "sign_ins"


class AuditRow(Model):
    """Who read, changed or deleted what. It names person and record without keys, and outlives both."""

    id = AutoField()
    at = DoubleField(index=True)
    person_id = IntegerField(null=True)
    person = TextField()
    action = TextField()
    record_id = IntegerField(null=True, index=True)
    detail = TextField(default="")
    address = TextField(default="")

    class Meta:
        table_name = "audit"


class MachineRow(Model):
    """A machine of a team: what it can do, and whether it takes further recordings."""

    host = TextField(primary_key=True)
    name = TextField()
    version = TextField()
    device = TextField()
    models = TextField(default="[]")  # JSON: the names of the models it has
    workers = IntegerField(default=0)
    draining = IntegerField(default=0)
    first_seen_at = DoubleField()
    last_seen_at = DoubleField()

    class Meta:
        table_name = "machines"


class TallyRow(Model):
    """How often something has happened to recordings, in one process; of processes that ended, by host.

    A process has rows of its own, so that no worker waits for another to count. They outlive the records.
    """

    worker_id = TextField()  # empty: processes of this host that have ended
    host = TextField()
    event = TextField()
    model = TextField(default="")
    error_code = TextField(default="")
    count = BigIntegerField(default=0)
    audio_seconds = DoubleField(default=0.0)
    seconds = DoubleField(default=0.0)  # from the claim on

    class Meta:
        table_name = "tallies"
        primary_key = CompositeKey("worker_id", "host", "event", "model", "error_code")


class IncomingCallRow(Model):
    """A call that a workstation is sending to this server."""

    session_id = TextField(primary_key=True)
    person_id = IntegerField(null=True, index=True)
    workstation = TextField()
    facts = TextField()  # JSON: what its record will have
    size_bytes = BigIntegerField()
    sha256 = TextField()
    storage_key = TextField()
    created_at = DoubleField()
    updated_at = DoubleField()

    class Meta:
        table_name = "incoming_calls"


class ObjectDeletionRow(Model):
    """An object of the storage that is to be deleted; its row goes when the storage has confirmed it."""

    storage_key = TextField(primary_key=True)
    ordered_at = DoubleField()
    attempts = IntegerField(default=0)
    next_attempt_at = DoubleField(default=0.0)
    error = TextField(null=True)

    class Meta:
        table_name = "object_deletions"


class OutboxRow(Model):
    """A recording that this workstation hands over to its server, and what the server last said of it."""

    record = ForeignKeyField(RecordRow, on_delete="CASCADE", primary_key=True, index=False)
    state = TextField(index=True)
    sha256 = TextField(null=True)  # of the content that the server has, once it has confirmed it
    sent_bytes = BigIntegerField(default=0)
    attempts = IntegerField(default=0)
    next_attempt_at = DoubleField(default=0.0)
    error_code = TextField(null=True)
    error = TextField(null=True)
    server_status = TextField(null=True)
    server_progress = DoubleField(default=0.0)
    server_error = TextField(null=True)
    words_seq = BigIntegerField(default=0)  # the server's change whose transcript this home has
    sent_at = DoubleField(null=True)
    received_at = DoubleField(null=True)
    audio_deleted_at = DoubleField(null=True)

    class Meta:
        table_name = "outbox"


class OutboxDeletionRow(Model):
    """A call that a person has deleted here, and that the server is to delete too."""

    session_id = TextField(primary_key=True)
    ordered_at = DoubleField()
    attempts = IntegerField(default=0)
    next_attempt_at = DoubleField(default=0.0)
    error = TextField(null=True)

    class Meta:
        table_name = "outbox_deletions"


class JoinedServerRow(Model):
    """The one server that this workstation hands its recordings to."""

    id = IntegerField(primary_key=True)
    url = TextField()
    token = TextField()
    certificate = TextField(null=True)  # PEM of the authority that signed the server's; NULL: the system's
    name = TextField()
    person = TextField()
    joined_at = DoubleField()
    last_seen_at = DoubleField(null=True)
    refused_at = DoubleField(null=True)  # since when the server has refused the token
    away_at = DoubleField(null=True)  # since when it has not answered, or not as it should
    away_why = TextField(null=True)  # why that is, or why the token is refused
    after_seq = BigIntegerField(default=0)  # the last change of the server that was taken over

    class Meta:
        table_name = "joined_servers"
