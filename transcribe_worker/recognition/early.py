"""Windows of a growing recording that were decoded before their stretch was whole.

More samples may move the windows of a stretch. So the text of a window is taken only if the whole stretch
has that very window: the same samples, with the same speech in them. The text depends on nothing else.
"""

from __future__ import annotations

import hashlib

from shared.words import Segment
from transcribe_worker.speech.stretches import Stretch, Window, WindowKey

Text = tuple[Segment, ...]
_Key = tuple[int | None, WindowKey, bytes]

DIGEST_BYTES = 16


class EarlyWindows:
    """The texts of windows, until their stretch is decoded."""

    def __init__(self) -> None:
        self._texts: dict[_Key, Text] = {}

    def find(self, channel: int | None, window: Window) -> Text | None:
        """Return the text of a window, None if it was not decoded."""
        return self._texts.get(_key(channel, window))

    def keep(self, channel: int | None, window: Window, text: Text) -> None:
        """Keep the text of a window."""
        self._texts[_key(channel, window)] = text

    def taken(self, channel: int | None, stretch: Stretch) -> dict[int, Text]:
        """Return the texts of the windows of a stretch by their starts, and forget all before its end."""
        if not self._texts:
            return {}
        windows = {window.start: self.find(channel, window) for window in stretch.windows}
        for key in [key for key in self._texts if key[0] == channel and key[1][0] < stretch.end]:
            del self._texts[key]
        return {start: text for start, text in windows.items() if text is not None}


def _key(channel: int | None, window: Window) -> _Key:
    """Return what the text of a window depends on; its samples may still change after it was decoded."""
    digest = hashlib.blake2b(window.samples.tobytes(), digest_size=DIGEST_BYTES).digest()
    return channel, window.key, digest
