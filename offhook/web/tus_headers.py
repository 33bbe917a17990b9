"""The headers of tus, the protocol of uploads that can be interrupted. https://tus.io/protocols/resumable-upload"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from email.utils import formatdate

from offhook.web.call import BadCall
from offhook.web.numbers import whole_number

VERSION, EXTENSIONS = "1.0.0", "creation,termination,expiration"
CHUNK = "application/offset+octet-stream"
MOST_PAIRS, LONGEST_METADATA = 50, 8192


def number(headers: Mapping[str, str], name: str) -> int:
    """Read a header with a number of bytes. Raises BadCall."""
    text = headers.get(name)
    if text is None:
        raise BadCall(f"The header {name} is missing.")
    found = whole_number(text)
    if found is None:
        raise BadCall(f"{name} must be a number of bytes, not {text!a}.")
    return found


def content_length(headers: Mapping[str, str]) -> int | None:
    """Return how many bytes the body of a request has, None if it does not say. Raises BadCall."""
    return number(headers, "content-length") if "content-length" in headers else None


def metadata(header: str) -> dict[str, str]:
    """Read Upload-Metadata: names, each with a value in base64, or none. Raises BadCall."""
    if len(header) > LONGEST_METADATA:
        raise BadCall(f"Upload-Metadata has more than {LONGEST_METADATA:,} characters.")
    found: dict[str, str] = {}
    for pair in filter(None, (part.strip(" \t") for part in header.split(","))):
        name, _, coded = pair.partition(" ")
        if name in found or not name.isascii() or len(found) >= MOST_PAIRS:
            raise BadCall(f"Upload-Metadata has the name {name!a} twice, or too many or odd names.")
        found[name] = _decoded(name, coded.strip(" \t"))
    return found


def _decoded(name: str, coded: str) -> str:
    try:
        return base64.b64decode(coded, validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadCall(f"Upload-Metadata: the value of {name!a} is no UTF-8 text in base64.") from None


def http_date(moment: float) -> str:
    """Write a time as HTTP does."""
    return formatdate(moment, usegmt=True)
