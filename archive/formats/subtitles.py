"""Subtitles as SubRip (SRT) and WebVTT files."""

from __future__ import annotations

from collections.abc import Iterator

from archive.formats.cues import Cue, cut, placed
from archive.formats.pieces import pieces_of, width
from archive.formats.times import timestamp
from archive.passages import DOUBTFUL, passages
from archive.transcript import Transcript

#: A longer name is cut in SRT, so that there is room for text beside it.
NAME_COLUMNS = 24


def as_srt(transcript: Transcript) -> str:
    """Write subtitles in SubRip format, whose lines name the speaker."""
    blocks = (
        "\n".join([f"{number}", _times(cue, ","), *cue.lines(_prefix(cue.name)), ""])
        for number, cue in enumerate(cues(transcript), 1)
    )
    return "\n".join(blocks)


def as_vtt(transcript: Transcript) -> str:
    """Write subtitles in WebVTT format (W3C), which has a voice for each cue and reserves `&`, `<`, `>`."""
    blocks = (
        "\n".join([_times(cue, "."), _voice(cue) + _escaped("\n".join(cue.lines())), ""])
        for cue in cues(transcript)
    )
    return "\n".join(["WEBVTT\n", *blocks])


def cues(transcript: Transcript) -> Iterator[Cue]:
    """Return the cues of a transcript; they are the same in both formats."""
    found: list[Cue] = []
    for passage in passages(transcript):
        name, pieces = passage.shown_name, pieces_of(passage)
        found += cut(pieces, passage.start_ms, passage.end_ms, name, width(_prefix(name)))
    return placed(found)


def _prefix(name: str | None) -> str:
    """Return what stands before the text of a speaker in SRT."""
    return f"{_short(name)}: " if name else ""


def _short(name: str) -> str:
    if width(name) <= NAME_COLUMNS:
        return name
    mark = f"… {DOUBTFUL}" if name.endswith(DOUBTFUL) else "…"
    kept = name
    while width(kept + mark) > NAME_COLUMNS:
        kept = kept[:-1]
    return kept.rstrip() + mark


def _voice(cue: Cue) -> str:
    return f"<v {_escaped(cue.name)}>" if cue.name else ""


def _times(cue: Cue, decimal_mark: str) -> str:
    return f"{timestamp(cue.start_ms, decimal_mark)} --> {timestamp(cue.end_ms, decimal_mark)}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
