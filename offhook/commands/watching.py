"""Watches a recording and its words: in a terminal, as lines of text, or as lines of JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import RenderableType

from offhook.commands import meter
from offhook.commands.drawing import Fitted, cell, live
from offhook.commands.live_text import LiveText
from offhook.commands.printing import print_json_line, reader_is_gone, say, warn
from offhook.commands.wording import capitalised

Event = dict[str, Any]
#: A worker takes a call within a second or so.
WAITING_SECONDS = 10.0
_NOBODY = "no worker has taken the call to transcribe it while it runs"
_AFTERWARDS = "The recording has ended. The rest of its text is being decoded; Ctrl-C does not stop that."


class Watched:
    """What happens in one recording, up to its last word; it is iterated once.

    `outcome` is what became of the recording, once it `has_ended`. Without an end its worker has ended.
    """

    def __init__(self, state: Mapping[str, Any], events: Iterable[Event]) -> None:
        self.state = state
        self.has_ended = False
        self.outcome: dict[str, Any] | None = None
        self._events, self._session_id = events, state["session_id"]

    def __iter__(self) -> Iterator[Event]:
        for event in filter(self._is_of_it, self._events):
            if event["type"] == "state":
                self._take(event)
            yield event
            if event["type"] == "words" and event["is_last"]:
                return

    def _is_of_it(self, event: Event) -> bool:
        """Whether an event is of this recording: the next one may begin before the last word of this one."""
        if event["type"] == "words":
            return bool(event["session_id"] == self._session_id)
        return not self.has_ended

    def _take(self, state: Event) -> None:
        if (state["state"], state["session_id"]) == ("recording", self._session_id):
            self.state = state
        else:
            self.has_ended, self.outcome = True, state["last"]


def draw(watched: Watched, text: LiveText) -> None:
    """Draw levels, and the text below, until the last word."""
    picture = Picture(watched, text)
    with live(cell("…")) as display:
        for event in watched:
            if picture.take(event):
                display.update(Fitted(picture.above(), text.last_lines), refresh=True)


def print_lines(watched: Watched, text: LiveText) -> None:
    """Print what is final, once, and what is to be minded on stderr, until the last word."""
    for warning in watched.state["warnings"]:
        warn(warning["message"])
    gave_up = _warned(text.gave_up)
    for event in watched:
        if event["type"] == "warning":
            warn(event["message"])
        elif event["type"] == "words":
            text.take(event)
            gave_up = gave_up or _warned(text.gave_up)
            for line in text.lines(event):
                say(line)
        if reader_is_gone():
            return


def print_events(watched: Watched) -> None:
    """Print the state, and each event until the last word, as lines of JSON."""
    print_json_line({"type": "state", **watched.state})
    for event in watched:
        print_json_line(event)
        if reader_is_gone():
            return


class Picture:
    """What stands above the text: the levels, warnings, and what there is to mind of the text."""

    def __init__(self, watched: Watched, text: LiveText) -> None:
        self._watched, self._text = watched, text
        self._warnings = [warning["message"] for warning in watched.state["warnings"]]
        self._levels: Event | None = None

    def take(self, event: Event) -> bool:
        """Take an event in; return whether to draw."""
        if event["type"] == "words":
            self._text.take(event)
        elif event["type"] == "warning":
            self._warnings.append(event["message"])
        elif event["type"] == "level":
            self._levels = event
        return self._levels is not None and event["type"] != "warning"

    def above(self) -> Iterator[RenderableType]:
        """Yield the parts, from the top."""
        if self._levels:
            yield meter.picture(self._watched.state, self._levels, self._warnings)
        if self._watched.has_ended and self._text.is_followed:
            yield cell(_AFTERWARDS, "dim")
        if remark := self._text.remark or self._missing_worker():
            yield cell(capitalised(remark), "yellow")

    def _missing_worker(self) -> str | None:
        is_late = self._levels is not None and self._levels["seconds"] > WAITING_SECONDS
        return _NOBODY if is_late and self._text.is_unknown else None


def _warned(remark: str | None) -> bool:
    """Print a remark on stderr, if there is one; return whether there was."""
    if remark:
        warn(capitalised(remark))
    return remark is not None
