"""Which status an error has over HTTP: one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from archive.glossary import GlossaryUnreadable
from archive.storage.errors import StorageError, StorageFull
from archive.team_messages import OFFSET
from offhook.desk.adding import CannotAdd
from offhook.desk.cast import UnknownSpeaker
from offhook.desk.chunk import ChunkDamaged
from offhook.desk.editing import EditKept, EditRefused
from offhook.desk.exporting import ExportFailed, ExportsBusy, UnknownFormat
from offhook.desk.history import NoSuchEdit
from offhook.desk.intake import ContentDiffers, HashDiffers, UnknownCall
from offhook.desk.notes import BadNote, NoteNotFound
from offhook.desk.part_file import UploadBusy
from offhook.desk.passage_edits import PassageChanged
from offhook.desk.password import TooManyGuesses
from offhook.desk.playing import NeedsCopy
from offhook.desk.recorder import Refused
from offhook.desk.speech import NoSuchMoment, NothingSaid
from offhook.desk.terms import BadTerm
from offhook.desk.upload_records import UnknownUpload
from offhook.desk.uploading import TooManyUploads, WrongOffset
from offhook.hooks.addresses import AddressRefused, BadHook
from offhook.web.call import BadCall, TooMuch
from offhook.web.listeners import TooManyStreams
from offhook.web.team.refusals import NotJoined, TokenInUse, TokenRevoked
from outbox_worker.errors import OnlyAtTheServer
from shared.capture_errors import CaptureNotRunning, CaptureSilent, UnknownSession
from shared.errors import (
    BadRecording,
    DeliveryNotFound,
    DiskFull,
    ExtraMissing,
    HookNotFound,
    HookStopped,
    ModelMissing,
    NewerDatabase,
    NotARecording,
    OffhookError,
    RecordingMissing,
    RecordNotFound,
    SettingsError,
    StateConflict,
    StoreError,
    StoreFull,
    TooLarge,
)


class FileTrouble(OffhookError):
    """A file cannot be read or written."""

    code = "files"


class Fault(OffhookError):
    """This is a fault in offhook itself; the log has it."""

    code = "fault"


RETRY_AFTER_SECONDS = "5"

#: The first class that fits decides; any other error of offhook is 400.
STATUSES: tuple[tuple[type[OffhookError], int], ...] = (
    (RecordNotFound, 404),
    (UnknownSession, 404),
    (HookNotFound, 404),
    (DeliveryNotFound, 404),
    (NoSuchMoment, 404),
    (UnknownSpeaker, 404),
    (RecordingMissing, 404),
    (OnlyAtTheServer, 503),
    (NeedsCopy, 409),
    (NoteNotFound, 404),
    (UnknownFormat, 404),
    (ExtraMissing, 422),
    (ExportFailed, 500),
    (ExportsBusy, 503),
    (NoSuchEdit, 409),
    (BadNote, 422),
    (BadTerm, 422),
    (GlossaryUnreadable, 409),
    (TooMuch, 413),
    (BadCall, 400),
    (TooManyGuesses, 429),
    (TooManyStreams, 503),
    (StateConflict, 409),
    (HookStopped, 409),
    (PassageChanged, 409),
    (NothingSaid, 409),
    (EditKept, 409),
    (EditRefused, 409),
    (Refused, 409),
    (UnknownUpload, 404),
    (WrongOffset, 409),
    (UploadBusy, 423),
    (TooManyUploads, 429),
    (UnknownCall, 404),
    (ContentDiffers, 409),
    (ChunkDamaged, 422),
    (HashDiffers, 422),
    (NotJoined, 403),
    (TokenInUse, 403),
    (TokenRevoked, 401),
    (TooLarge, 413),
    (NotARecording, 415),
    (BadRecording, 422),
    (ModelMissing, 422),
    (DiskFull, 507),
    (StorageFull, 507),
    (StorageError, 503),
    (CannotAdd, 422),
    (BadHook, 422),
    (AddressRefused, 422),
    (SettingsError, 422),
    (StoreFull, 507),
    (StoreError, 503),  # whatever the database has, the call is not at fault
    (NewerDatabase, 503),
    (CaptureNotRunning, 503),
    (CaptureSilent, 503),
    (FileTrouble, 500),
    (Fault, 500),
)


def status_of(error: OffhookError) -> int:
    """Return the status of an error."""
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 400)


def refusal(error: OffhookError, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer for an error."""
    body, status = error_body(error.code, _told(error), error.details), status_of(error)
    return JSONResponse(body, status, {**_headers_of(error, status), **(headers or {})})


def _told(error: OffhookError) -> str:
    """Return an error's message; where the database is, and who uses it, is told on its machine alone."""
    return str(type(error)()) if isinstance(error, StoreError) else str(error)


def _headers_of(error: OffhookError, status: int) -> dict[str, str]:
    """Return when a client may come again, and where an upload goes on."""
    if isinstance(error, WrongOffset) and error.offset is not None:
        return {OFFSET: str(error.offset)}
    return {"retry-after": RETRY_AFTER_SECONDS} if status == 503 else {}


def error_body(code: str, message: str, details: Any = None) -> dict[str, Any]:
    """Return an error as programs get it."""
    error = {"code": code, "message": message}
    return {"error": error if details is None else {**error, "details": details}}
