"""One recording in a file: its audio tracks, and where its header says that it ends."""

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
from transcribe_worker.media.tracks import Track, decodable_tracks

#: Encoders and edit lists are that inexact about the end, in seconds.
INEXACT_SECONDS = 0.5
#: A seek ends somewhat before the place that was wanted, and so many packets tell where.
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
        """Where the header says that the last track ends, None if it says nothing that can be."""
        stated = [track.end_seconds for track in self.tracks]
        return max((end for end in stated if end and 0 < end < math.inf), default=None)

    def reaches(self, seconds: float) -> bool:
        """Whether a packet stands so late: a header may claim any length."""
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
        """The sound of all tracks, once, in blocks of about half a second at 16 kHz; it may be none."""
        yield from mixed([track.blocks() for track in self.tracks], self._flags)
        self._note_missing_end()

    def close(self) -> None:
        for track in self.tracks:
            track.close()

    def _note_missing_end(self) -> None:
        """Compare the end with the one that the header states, by time: a pause may hold no audio at all."""
        stated = max(track.stated_end_seconds or 0.0 for track in self.tracks)
        reached = max(track.reached_seconds for track in self.tracks)
        explained = DAMAGED_AUDIO in self._flags or TIMES_WRONG in self._flags
        if reached and stated - reached > INEXACT_SECONDS and not explained:
            self._flags.note(CUT_SHORT)
