"""Transcripts as Markdown (CommonMark)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archive.formats.facts import facts, heading, notes
from archive.formats.times import moment
from archive.passages import passages, turns
from archive.transcript import Transcript

#: What has a meaning anywhere in a line, and what has one at its beginning.
_MARKS = re.compile(r"[\\`*_{}\[\]<>#|~&!$]")
_BEGINNINGS = re.compile(r"^([-+=]|\d+(?=[.)]))")


def as_markdown(transcript: Transcript) -> str:
    """Write a heading, the facts of the call, a paragraph for each turn and the notes."""
    blocks = [f"# {escaped(heading(transcript))}"]
    if found := [f"* {escaped(name)}: {escaped(value)}" for name, value in facts(transcript)]:
        blocks.append("\n".join(found))
    blocks += _turns(transcript)
    if found := [f"* \\[{at}\\] {escaped(text)}" for at, text in notes(transcript)]:
        blocks += ["## Notes", "\n".join(found)]
    return "\n\n".join(blocks) + "\n"


def escaped(text: str) -> str:
    """Return a line of text as Markdown that shows it as it is."""
    return _BEGINNINGS.sub(_escape_beginning, _MARKS.sub(r"\\\g<0>", text))


def _escape_beginning(found: re.Match[str]) -> str:
    return f"{found[0]}\\" if found[0].isdigit() else f"\\{found[0]}"


def _turns(transcript: Transcript) -> Iterator[str]:
    for turn in turns(passage for passage in passages(transcript) if passage.line):
        name = turn[0].shown_name
        who = f"**{escaped(name)}** " if name else ""
        text = escaped(" ".join(passage.line for passage in turn))
        yield f"{who}\\[{moment(turn[0].start_ms)}\\]  \n{text}"
