"""The uploads that are not finished; `offhook/web/tus.py` takes their bytes."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from offhook.desk.desk import Desk
from offhook.desk.upload_records import UnknownUpload
from offhook.desk.uploading import Uploads
from offhook.web.api.rows import Row
from offhook.web.call import Answers, Call, Endpoint, Stream
from offhook.web.sending import SentRecording, sending
from offhook.web.tus import PATH, Tus, resumable, tus_answers
from offhook.web.tus_headers import CHUNK
from offhook.web.work import Work
from shared.store.values import Upload
from shared.times import iso


class UploadView(msgspec.Struct):
    """An upload: how far it is, and the sender's own name for the file. A finished one has a record."""

    id: str
    name: str
    size_bytes: int
    offset: int
    fingerprint: str
    expires_at: str | None
    record_id: int | None = None


class UploadsView(msgspec.Struct):
    """All uploads that are not finished, the oldest first."""

    uploads: list[UploadView]


class WhichUploads(msgspec.Struct):
    """Which uploads are listed: all, or those of one file of the sender."""

    fingerprint: str | None = None


def unfinished(call: Call) -> UploadsView:
    """List the uploads that are not finished."""
    uploads, wanted = Uploads(call.desk), call.query.fingerprint
    found = [it for it in uploads.unfinished() if wanted in (None, it.options.get("fingerprint"))]
    return UploadsView([view for it in found if (view := _view(uploads, it))])


def one(call: Call) -> UploadView:
    """Show an upload, also one that has become a record. Raises UnknownUpload."""
    uploads, upload_id = Uploads(call.desk), call.path["upload_id"]
    if record := uploads.record_of(upload_id):
        size = record.size_bytes or 0
        return UploadView(upload_id, record.title, size, size, "", None, record.id)
    if view := _view(uploads, uploads.find(upload_id)):
        return view
    raise UnknownUpload


def _view(uploads: Uploads, upload: Upload) -> UploadView | None:
    """Describe an upload; None if its file is gone."""
    try:
        offset = uploads.offset(upload)
    except UnknownUpload:
        return None
    fingerprint = str(upload.options.get("fingerprint", ""))
    expires_at = iso(uploads.expires_at(upload))
    return UploadView(upload.id, upload.name, upload.size_bytes, offset, fingerprint, expires_at)


class Taken(msgspec.Struct):
    """What a recording that was sent has become."""

    record: Row
    was_known: bool


def _creating(desk: Desk, work: Work) -> Answers:
    return resumable(tus_answers(desk, work, Tus.create))


def _taking(desk: Desk, work: Work) -> Answers:
    return resumable(tus_answers(desk, work, Tus.patch))


def _cancelling(desk: Desk, work: Work) -> Answers:
    return resumable(tus_answers(desk, work, Tus.delete))


ONE = f"{PATH}/{{upload_id:str}}"
#: Not this version of tus; another type of body; another request sends it; too many of them.
_REFUSALS = (412, 415, 423, 429)
_Bytes = Annotated[int, msgspec.Meta(ge=0)]
_VERSION = {"Tus-Resumable": Literal["1.0.0"]}
ENDPOINTS = (
    Endpoint(
        "GET", PATH, unfinished, "Uploads that are not finished", query=WhichUploads, answer=UploadsView
    ),
    Endpoint("GET", ONE, one, "How far an upload is", answer=UploadView),
    Stream(
        "POST",
        PATH,
        _creating,
        "Begin an upload (tus)",
        headers=_VERSION | {"Upload-Length": _Bytes, "Upload-Metadata": str},
        status=201,
        also=_REFUSALS,
    ),
    Stream(
        "PATCH",
        ONE,
        _taking,
        "Bytes of an upload (tus)",
        takes=CHUNK,
        headers=_VERSION | {"Upload-Offset": _Bytes},
        answer=Taken,
        also=(204, *_REFUSALS),
    ),
    Stream(
        *("DELETE", ONE, _cancelling, "Cancel an upload (tus)"),
        headers=_VERSION,
        status=204,
        also=_REFUSALS,
    ),
    Stream(
        "POST",
        "/api/v1/records",
        sending,
        "Take a recording: the body is the file",
        query=SentRecording,
        takes="application/octet-stream",
        answer=Taken,
        status=201,
        also=(200, 415),
    ),
)
