"""Errors in the shape that clients of OpenAI's API read. https://platform.openai.com/docs/guides/error-codes"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from offhook.desk.uploading import TooManyUploads
from offhook.web.awaiting import ServerStops
from offhook.web.call import Answers
from offhook.web.errors import Fault, FileTrouble
from offhook.web.listeners import TooManyStreams
from offhook.web.receiving import patient
from shared.errors import (
    BadRecording,
    DiskFull,
    ModelMissing,
    OffhookError,
    RecordNotFound,
    StoreError,
    TooLarge,
)


class NotNow(OffhookError):
    """Nothing is transcribed now."""

    code = "not_now"


class NotTranscribed(OffhookError):
    """The recording cannot be transcribed as it is."""

    code = "not_transcribed"


class TranscriptionFailed(NotTranscribed):
    """The recording was not transcribed, and may be another time."""


#: Status, and which field of the form an error is about; any other error is the client's, 400.
_KINDS: tuple[tuple[type[OffhookError], int, str | None], ...] = (
    (ModelMissing, 404, "model"),
    (RecordNotFound, 404, None),
    (TooLarge, 413, "file"),
    (BadRecording, 400, "file"),
    (TooManyUploads, 429, None),
    (TranscriptionFailed, 500, None),
    (NotTranscribed, 400, "file"),
    (DiskFull, 507, None),
    (FileTrouble, 500, None),
    (Fault, 500, None),
    *((kind, 503, None) for kind in (NotNow, ServerStops, TooManyStreams, StoreError)),
)
#: What OpenAI calls an error that clients look for.
_CODES = {ModelMissing.code: "model_not_found"}


def answering(answer: Answers) -> Answers:
    """Turn what goes wrong into an answer for a client of OpenAI's API."""
    return patient(answer, refusal)


def refusal(error: OffhookError) -> Response:
    """Return the answer for an error of offhook."""
    found = (it[1:] for it in _KINDS if isinstance(error, it[0]))
    status, field = next(found, (400, None))
    kind = "invalid_request_error" if status < 500 else "server_error"
    code = _CODES.get(error.code, error.code)
    return JSONResponse(
        {"error": {"message": str(error), "type": kind, "param": field, "code": code}}, status
    )
