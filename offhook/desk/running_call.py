"""A call that is being recorded, as its page and programs see it: how it goes, and its text so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from archive.names import known_of_call
from archive.passages import name_of
from offhook.desk.calls import described
from offhook.desk.desk import Desk
from offhook.desk.live_states import MOVED, says
from offhook.desk.reading import encodable
from offhook.desk.running_sound import sound_ms
from shared.speakers import ME, THEM
from shared.store.captures import QUEUED, RECORDING
from shared.store.live import FOLLOWING, LiveCall, LiveWord
from shared.store.values import Capture
from shared.workers import Liveness

#: Windows that a page begins with, and that it gets at once when its reader goes back: about 15 minutes.
WINDOWS = 40

#: Start and end in ms, text with the space before it, speaker.
ShownWord = tuple[int, int, str, str | None]


@dataclass(frozen=True)
class LiveText:
    """Text of a running call: what is final since window `after`, and all that is provisional.

    `is_whole`: it is to be shown in the place of all that was sent before. `last` is the number of the last
    window, `earlier` that of the first one if there are windows before it.
    """

    is_whole: bool
    last: int
    earlier: int | None
    final: list[ShownWord]
    provisional: list[ShownWord]


def running_call(desk: Desk, session_id: str) -> dict[str, Any]:
    """Describe a call: its state, its text's, and its record if it has one. Raises UnknownSession."""
    capture = desk.store.captures.get(session_id)
    liveness = Liveness(desk.store, desk.settings.locks)
    call, record = desk.store.live.find(session_id), desk.store.records.of_session(session_id)
    shown = described(capture, liveness)
    state = "queued" if capture.state == QUEUED else shown["state"]
    has_moved = record is not None and call is None
    return {
        **{name: shown[name] for name in ("session_id", "title", "started_at", "duration_seconds")},
        "state": state,
        "record_id": record.id if record else None,
        "has_moved": has_moved,
        "language": call.language if call else None,
        "live": _progress(call),
        "says": MOVED
        if has_moved
        else says(
            state,
            _held(call, liveness),
            wanted=capture.is_live(desk.settings.live),
            chosen=capture.live is not None,
            has_worker=_has_worker(desk, liveness),
        ),
        "waits": waiting(desk, session_id) if state == RECORDING else None,
        "names": _names(desk, capture),
        "sound_ms": sound_ms(desk, capture),
    }


def latest(desk: Desk, session_id: str) -> LiveText:
    """Return the end of a call's text."""
    call = desk.store.live.find(session_id)  # first: what it calls provisional may be final by now
    page = desk.store.live.page(session_id, WINDOWS)
    earlier = page.first if page.has_earlier else None
    return LiveText(True, page.last, earlier, _shown(page.words), _provisional(desk, call))


def since(desk: Desk, session_id: str, after: int) -> LiveText:
    """Return the text since window number `after`; all of its end if that window is not there any more."""
    if after and not desk.store.live.has_window(session_id, after):
        return latest(desk, session_id)
    call = desk.store.live.find(session_id)
    words, last = desk.store.live.final_words(session_id, after=after)
    return LiveText(False, last, None, _shown(words), _provisional(desk, call))


def before(desk: Desk, session_id: str, window: int) -> LiveText:
    """Return a part of the text that was committed before a window. Raises UnknownSession."""
    desk.store.captures.get(session_id)
    page = desk.store.live.page(session_id, WINDOWS, before=window)
    return LiveText(False, page.last, page.first if page.has_earlier else None, _shown(page.words), [])


def from_moment(desk: Desk, session_id: str, from_ms: int) -> tuple[list[ShownWord], list[ShownWord]]:
    """Return the words that begin at a moment or later: the final ones, and the provisional ones."""
    words = desk.store.live.words(session_id, from_ms=from_ms)
    return _shown(it for it in words if it.is_final), _shown(it for it in words if not it.is_final)


def waiting(desk: Desk, session_id: str | None) -> str | None:
    """Say how many calls wait in the queue until one that is decoded live has ended; None if none does."""
    call = desk.store.live.find(session_id) if session_id else None
    if desk.settings.live_queue != "wait" or call is None or call.state != FOLLOWING:
        return None
    count = desk.store.listing.counts().get("queued", 0)
    if not count:
        return None
    return f"{count:,} {'call waits' if count == 1 else 'calls wait'} for the end of this one."


def _progress(call: LiveCall | None) -> dict[str, Any] | None:
    """Describe it as the capture protocol does."""
    if call is None:
        return None
    names = ("state", "why", "behind_seconds", "final_seconds", "heard_seconds", "yields")
    return {name: getattr(call, name) for name in names}


def _held(call: LiveCall | None, liveness: Liveness) -> LiveCall | None:
    """Return the live call, None if the worker that claimed it has ended."""
    is_left = (
        call is not None and call.state == FOLLOWING and liveness.has_ended(call.worker_id or "", call.host)
    )
    return None if is_left else call


def _has_worker(desk: Desk, liveness: Liveness) -> bool:
    workers = desk.store.workers.every()
    return any(it.kind == "worker" and liveness.is_alive(it) for it in workers)


def _names(desk: Desk, capture: Capture) -> dict[str, str]:
    names = known_of_call(capture.candidate_id, capture.title, desk.settings.my_name)
    return {speaker: name_of(speaker, names) for speaker in (ME, THEM)}


def _provisional(desk: Desk, call: LiveCall | None) -> list[ShownWord]:
    if call is None:
        return []
    words = desk.store.live.words(call.session_id, from_ms=round(1000 * call.final_seconds))
    return _shown(it for it in words if not it.is_final)


def _shown(words: Iterable[LiveWord]) -> list[ShownWord]:
    return [(it.start_ms, it.end_ms, encodable(it.text), it.speaker) for it in words]
