"""Makes foreign text safe to print: it controls no terminal and reorders no line.

Titles, file names, error messages, device names and transcripts may have escape sequences, C1 controls and
bidirectional controls (https://trojansource.codes). Joiners stay: Persian, Hindi and emoji need them.
"""

from __future__ import annotations

import re

_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]")
#: C0 and C1 controls, bidirectional controls, invisible operators, annotations, byte order marks, tags.
_CONTROLS = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def one_line(text: str) -> str:
    """Return a text as one line that is safe to print; each unsafe character becomes a space."""
    return _SURROGATES.sub("�", _CONTROLS.sub(" ", _BREAKS.sub(" ", text)))


def lines(text: str) -> str:
    """Return a text whose line feeds stay, each line of it safe to print."""
    return "\n".join(map(one_line, text.replace("\r\n", "\n").split("\n")))


def escaped_json(text: str) -> str:
    """Write the unsafe characters of a JSON text as `\\uXXXX`: another spelling of the same value."""
    return _SURROGATES.sub(_escape, _CONTROLS.sub(_escape, _JSON_BREAKS.sub(_escape, text)))


#: JSON escapes the C0 controls itself; the line feeds that are left are its own layout.
_JSON_BREAKS = re.compile("[\x85\u2028\u2029]")


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
