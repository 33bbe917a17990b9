"""Answers that a browser stores as a file, under a name that every system allows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from archive.library import safe_name

#: What older programs take as it is between quotation marks.
_PLAIN = re.compile(r"[^A-Za-z0-9 ._()+,=@-]+")


def download(name: str, content: bytes | Iterator[bytes], media_type: str) -> Response:
    """Answer with a file to store, whole or piece by piece; the browser shows nothing of it."""
    headers = {"Content-Disposition": disposition(name)}
    if isinstance(content, bytes):
        return Response(content, media_type=media_type, headers=headers)
    return StreamingResponse(content, media_type=media_type, headers=headers)


def disposition(name: str) -> str:
    """Return the header for a file's name: in ASCII, and in full for those that read RFC 6266."""
    stem, dot, suffix = name.rpartition(".")
    letters = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    plain = safe_name(_PLAIN.sub("_", letters).strip("_ "))
    full = quote(name.encode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}{dot}{suffix}\"; filename*=UTF-8''{full}"
