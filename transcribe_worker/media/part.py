"""One recording in a file: its audio tracks, and the end that its header states."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import islice

import av
from av.container import InputContainer

from transcribe_worker.media.downmix import Mono
from transcribe_worker.media.flags import CUT_SHORT, DAMAGED_AUDIO, TIMES_WRONG, Flags
from transcribe_worker.media.formats import Kind
from transcribe_worker.media.mixing import mixed
from transcribe_worker.media.samples import Channels
from transcribe_worker.media.tracks import Track, decodable_tracks

#: Encoders and edit lists state the end this inexactly.
INEXACT_SECONDS = 0.5
#: A seek lands before its target: at this share of it or later, as this many packets show.
LATE_SHARE = 0.9
LATE_PACKETS = 50


class Part:
    """The audio tracks of a recording; each has a container of its own.

    Raises what `decodable_tracks` raises, and av.FFmpegError for a header that FFmpeg cannot read.
    """

    def __init__(
        self,
        name: str,
        kind: Kind,
        open_container: Callable[[], InputContainer],
        flags: Flags,
        look: Callable[[], None],
    ) -> None:
        self.tracks: list[Track] = []
        self._flags, self._open_container = flags, open_container
        waiting = [open_container()]
        try:
            for number in decodable_tracks(waiting[0], name, flags):
                container = waiting.pop() if waiting else open_container()
                self.tracks.append(Track(container, number, kind, flags, look))
        except BaseException:
            for left in waiting:
                left.close()
            self.close()
            raise

    @property
    def end_seconds(self) -> float | None:
        """The end of the last track by the header, None if it states no possible one."""
        stated = [track.end_seconds for track in self.tracks]
        return max((end for end in stated if end and 0 < end < math.inf), default=None)

    def reaches(self, seconds: float) -> bool:
        """Whether there is a packet at about this time: a header may claim any length."""
        container = self._open_container()
        try:
            container.seek(int(seconds * av.time_base))
            packets = islice(container.demux(audio=0), LATE_PACKETS)
            stamps = [packet.pts * packet.time_base for packet in packets if packet.pts is not None]
            return max(stamps, default=0) >= seconds * LATE_SHARE
        except av.FFmpegError:
            return False
        finally:
            container.close()

    def blocks(self) -> Iterator[Mono]:
        """Yield the mix of all tracks, once, in blocks of about 0.5 s at 16 kHz; there may be none."""
        yield from mixed([track.blocks() for track in self.tracks], self._flags)
        self._note_missing_end()

    @property
    def has_two_channels(self) -> bool:
        """Whether the audio is one track of two channels."""
        return len(self.tracks) == 1 and self.tracks[0].channels == 2

    def pairs(self) -> Iterator[Channels]:
        """Yield the two channels of the first track, once, shape (2, frames)."""
        yield from self.tracks[0].pairs()
        self._note_missing_end()

    def close(self) -> None:
        for track in self.tracks:
            track.close()

    def _note_missing_end(self) -> None:
        """Flag audio that ends before the header says; by time, as a pause may have no samples."""
        stated = max(track.stated_end_seconds or 0.0 for track in self.tracks)
        reached = max(track.reached_seconds for track in self.tracks)
        explained = DAMAGED_AUDIO in self._flags or TIMES_WRONG in self._flags
        if reached and stated - reached > INEXACT_SECONDS and not explained:
            self._flags.note(CUT_SHORT)
