"""Transcripts as files."""

from __future__ import annotations

from starlette.responses import Response

from archive.exports import FORMATS
from offhook.desk.exporting import export
from offhook.web.call import Call, Endpoint
from offhook.web.downloads import download
from offhook.web.work import LONG

MEDIA = {
    "txt": "text/plain; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}


def get_export(call: Call) -> Response:
    """Answer with a transcript as a file."""
    form = call.path["format"]
    found = export(call.desk, call.record_id, form)
    return download(found.name, found.content, MEDIA[form])


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/records/{record_id}/export/{format:str}",
        get_export,
        f"A transcript as a file: {', '.join(FORMATS)}",
        media=tuple(MEDIA.values()),
        kind=LONG,
    ),
)
