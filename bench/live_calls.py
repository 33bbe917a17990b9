"""The calls that are followed, each with what is measured of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.corpora import Samples
from bench.figures import percentile
from bench.goals import Figure
from bench.live_home import Home, new_home
from bench.live_recorders import Recorder
from bench.live_sound import DENSE_FROM, DENSE_UNTIL, conversation, room
from bench.live_usage import Share
from bench.live_watch import Watch

HOUR_SECONDS = 3600.0
#: This much of a simulated call is recorded in real time. Each one is shorter than the one before, so that it
#: ends in another place of a sentence.
LAST_SECONDS, APART_SECONDS = 60.0, 7.0
#: The text of a call is up to date if it is no later than this.
LATE_SECONDS = 4.0
#: Of a call that begins anew after hours: as much is talked before it ends.
TALK_SECONDS = 90.0


@dataclass
class Ends:
    """What came of calls: a value for each, and of every word how late it was shown."""

    completed_seconds: list[float] = field(default_factory=list)
    words: list[int] = field(default_factory=list)
    other_words: list[int] = field(default_factory=list)
    other_segments: list[int] = field(default_factory=list)
    other_speakers: list[int] = field(default_factory=list)
    revised: list[int] = field(default_factory=list)
    latencies_seconds: list[float] = field(default_factory=list)
    again_seconds: list[float] = field(default_factory=list)

    def note(self, home: Home, recorder: Recorder, watch: Watch, since_seconds: float) -> None:
        """Wait until a call is completed, and decode its file again; words before `since_seconds` were not
        heard in real time.
        """
        watch.wait()
        live = home.transcript(recorder.session_id)
        again, took_seconds = home.decoded_again(recorder.session_id)
        timely = [it for it in live.segments if it.start_ms >= 1000 * since_seconds]
        self.completed_seconds.append(watch.completed_at - watch.ended_at)
        self.words.append(live.count_words())
        self.other_words.append(live.other_words(again))
        self.other_segments.append(live.other_segments(again))
        self.other_speakers.append(live.other_speakers(again))
        self.revised.append(watch.revised(live.segments))
        self.latencies_seconds += watch.latencies(recorder.zero, timely)
        self.again_seconds.append(took_seconds)

    def figures(self) -> list[Figure]:
        return [
            Figure("from hanging up to completed", self.completed_seconds, 3, "s", always=True),
            Figure("words", self.words, unit=""),
            Figure("words that decoding the file gives otherwise", self.other_words, 0, "", always=True),
            Figure("segments that it gives otherwise", self.other_segments, 0, "", always=True),
            Figure("words to which it gives another speaker", self.other_speakers, 0, "", always=True),
            Figure("words revised after they were final", self.revised, 0, "", always=True),
            *self._sight(),
            Figure("decoding the file afterwards", self.again_seconds, unit="s"),
        ]

    def _sight(self) -> list[Figure]:
        late = self.latencies_seconds
        if len(late) < 2:
            return []
        return [
            Figure("from the end of a word to its sight", late, 3, "s"),
            Figure("the same, 95th percentile", [percentile(late, 95)], 6, "s"),
        ]


class Calls:
    """Follows calls that are strung together from clips."""

    def __init__(self, clips: Sequence[Samples]) -> None:
        self._clips = clips

    def replayed(self, seconds: float, layout: str) -> list[Figure]:
        """Measure one call in real time, with the real capture process."""
        ends, sound = Ends(), conversation(self._clips, seconds)
        with new_home() as home:
            worker, capture = home.start_worker(), home.start_capture()
            recorder = home.replayed(sound, seconds, layout)
            watch = home.watch(recorder)
            recorder.record_until(DENSE_FROM * seconds)
            talking, recording = Share(worker.pid), Share(capture.pid)
            recorder.record_until(DENSE_UNTIL * seconds)
            percents = talking.percent(), recording.percent()
            recorder.record_until(seconds)
            _hang_up(home, recorder, watch, ends, 0.0)
            lost_ms = home.lost_ms(recorder.session_id)
        return [
            *ends.figures(),
            Figure("audio lost", [lost_ms], 0, "ms", always=True),
            Figure("looks at which the recorder was late", [watch.strained_looks], 0, "", always=True),
            Figure("worker and engines, share of the cores in dense talk", [percents[0]], 50, "%"),
            Figure("the recorder, the same", [percents[1]], unit="%"),
            *_memory(home),
        ]

    def simulated(
        self, seconds: float, talk: float, times: int = 1, last_seconds: float = LAST_SECONDS
    ) -> list[Figure]:
        """Measure a call `times` times, which is written at once but for its last seconds.

        The sound is an hour, of which a share is talk, again and again.
        """
        ends, caught_up_seconds = Ends(), []
        sound = conversation(self._clips, min(seconds, HOUR_SECONDS), talk=talk)
        for number in range(times):
            end = seconds - APART_SECONDS * number
            written = end - last_seconds
            with new_home() as home:
                home.start_worker()
                recorder = home.simulated(sound, "mono")
                watch = home.watch(recorder)
                recorder.write_until(written)
                caught_up_seconds.append(_caught_up(home, watch, written))
                recorder.record_until(end)
                _hang_up(home, recorder, watch, ends, written)
        return [
            *ends.figures(),
            Figure("decoding what was written at once", caught_up_seconds, unit="s"),
            *_memory(home),
        ]

    def joined(self, before_seconds: float, seconds: float) -> list[Figure]:
        """Measure a call in whose middle the worker starts."""
        ends, sound = Ends(), conversation(self._clips, seconds)
        with new_home() as home:
            recorder = home.simulated(sound, "mono")
            watch = home.watch(recorder)
            recorder.write_until(before_seconds)
            with recorder.recording_until(seconds):
                home.start_worker()
                caught_up_seconds = _up_to_date(home, recorder, watch)
                since_seconds = time.time() - recorder.zero
            _hang_up(home, recorder, watch, ends, since_seconds)
        return [*ends.figures(), Figure("until the text was up to date", [caught_up_seconds], unit="s")]

    def muted(self, quiet_seconds: float) -> list[Figure]:
        """Measure a call in which both sides are silent for hours before they talk."""
        ends, sound = Ends(), conversation(self._clips, TALK_SECONDS).after(quiet_seconds)
        with new_home() as home:
            home.start_worker()
            recorder = home.simulated(sound, "mono")
            watch = home.watch(recorder)
            recorder.write_until(quiet_seconds)
            _caught_up(home, watch, quiet_seconds)
            recorder.record_until(quiet_seconds + TALK_SECONDS)
            _hang_up(home, recorder, watch, ends, quiet_seconds)
        return ends.figures()

    def idle(self, seconds: float) -> list[Figure]:
        """Measure a worker without a call, and one in whose call nobody speaks."""
        with new_home() as home:
            worker, capture = home.start_worker(), home.start_capture()
            time.sleep(seconds / 2)  # it has archived nothing, and sweeps every 2 s
            without = _percent(worker.pid, seconds)
            recorder = home.replayed(room(2 * seconds), 2 * seconds, "mono")
            watch = home.watch(recorder)
            recorder.record_until(seconds)  # its engine has loaded the model
            shares = Share(worker.pid), Share(capture.pid)
            recorder.record_until(2 * seconds)
            quiet, recording = (share.percent() for share in shares)
            recorder.hang_up()
            watch.wait()
        return [
            Figure("worker without a call, share of the cores", [without], 2, "%"),
            Figure("worker and engines while nobody speaks", [quiet], 2, "%"),
            Figure("the recorder, the same", [recording], unit="%"),
        ]


def _hang_up(home: Home, recorder: Recorder, watch: Watch, ends: Ends, since_seconds: float) -> None:
    home.note_memory()
    recorder.hang_up()
    ends.note(home, recorder, watch, since_seconds)


def _caught_up(home: Home, watch: Watch, seconds: float) -> float:
    """Wait until there is text up to a second of the recording; return how long that took."""
    began = time.time()
    home.wait(lambda: watch.heard_seconds >= seconds - LATE_SECONDS, "the text of what was written")
    return time.time() - began


def _up_to_date(home: Home, recorder: Recorder, watch: Watch) -> float:
    """Wait until the text follows the recording; return how long that took."""
    began = time.time()
    home.wait(
        lambda: watch.heard_seconds >= time.time() - recorder.zero - LATE_SECONDS, "the text to catch up"
    )
    return time.time() - began


def _percent(pid: int, seconds: float) -> float:
    share = Share(pid)
    time.sleep(seconds)
    return share.percent()


def _memory(home: Home) -> list[Figure]:
    return [
        Figure("memory of the worker", [home.peaks.worker], unit="MB"),
        Figure("memory of the engine that follows", [home.peaks.engine], unit="MB"),
    ]
