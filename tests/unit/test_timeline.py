"""Two clocks onto one timeline: virtual sound cards over a virtual clock, and where their audio ends up."""

from __future__ import annotations

import functools
import math
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from capture_worker.audio.source import LOOPBACK, MICROPHONE, SIDES
from capture_worker.drift import LARGEST_STRETCH
from capture_worker.samples import RATE_HZ, Pair
from capture_worker.timeline import FINAL_SECONDS, Timeline
from capture_worker.track import Counts

Samples = NDArray[np.float32]
#: Seconds of true time to samples, (frames,).
Sound = Callable[[NDArray[np.float64]], NDArray[np.float64]]

#: Wherever the clock of a computer happens to be.
ORIGIN = 1_000.0
POLL_SECONDS = 0.020
PULSE_SECONDS = 0.0005
QUARTER = RATE_HZ // 4


def pulses(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """A pulse in the middle of every second."""
    return np.exp(-(((seconds % 1.0 - 0.5) / PULSE_SECONDS) ** 2))


def silence(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.zeros(len(seconds))


def tone(hz: float, level: float = 0.5) -> Sound:
    return lambda seconds: level * np.sin(math.tau * hz * seconds)


@dataclass
class Card:
    """A sound card that has heard `sound` since the origin, and counts by a clock that is off by `ppm`.

    It hands out packets. Between the two seconds of each pair of `holes` it has nothing to hand out.
    """

    rate_hz: int
    sound: Sound = pulses
    ppm: float = 0.0
    packet_seconds: float = 0.010
    holes: tuple[tuple[float, float], ...] = ()
    handed_out: int = 0

    @property
    def true_rate_hz(self) -> float:
        return self.rate_hz * (1 + self.ppm * 1e-6)

    def read(self, seconds: float) -> Samples:
        """All packets that have become full by now, but for those in a hole."""
        packet = max(1, round(self.packet_seconds * self.rate_hz))
        there = int(seconds * self.true_rate_hz / packet + 1e-9) * packet
        times = np.arange(self.handed_out, there) / self.true_rate_hz
        self.handed_out = there
        kept = np.ones(len(times), bool)
        for start, end in self.holes:
            kept &= (times < start) | (times >= end)
        return self.sound(times[kept]).astype(np.float32)


@dataclass
class Recording:
    """What has been handed out of a timeline."""

    timeline: Timeline
    pieces: list[Pair] = field(default_factory=list)
    fed_frames: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SIDES, 0.0))

    @functools.cached_property
    def pair(self) -> Pair:
        return Pair(*(np.concatenate(side) for side in zip(*self.pieces, strict=True)))

    def counts(self, side: str) -> Counts:
        return self.timeline.tracks[side].counts

    def errors_ms(self, side: str) -> dict[int, float]:
        """How late the pulse of each second is, for those that are there."""
        audio, found = getattr(self.pair, side), {}
        for second in range(len(audio) // RATE_HZ):
            around = audio[second * RATE_HZ + QUARTER : (second + 1) * RATE_HZ - QUARTER].astype(np.float64)
            peak = int(around.argmax())
            if around[peak] > 0.5 and 40 <= peak < len(around) - 40:
                near = around[peak - 40 : peak + 41]
                centre = peak + (near * np.arange(-40, 41)).sum() / near.sum()
                found[second] = (centre - QUARTER) / RATE_HZ * 1000
        return found


def polls(seconds: float, seed: int = 0) -> Iterator[float]:
    """The moments at which devices are read: every 20 ms, more or less."""
    random, now = np.random.default_rng(seed), 0.0
    while now + 2 * POLL_SECONDS < seconds:
        now += POLL_SECONDS * random.uniform(0.5, 1.6)
        yield now
    yield seconds


def record(
    moments: Iterable[float], *, write_every: int = 5, late_seconds: float = 0.0, **cards: Card
) -> Recording:
    """Record cards, by side, and end `late_seconds` behind the last moment.

    Audio is asked for at every few of the moments.
    """
    recording, now = Recording(Timeline(ORIGIN)), 0.0
    for number, now in enumerate(moments):
        for side, card in cards.items():
            samples = card.read(now)
            if len(samples):
                recording.timeline.add(side, ORIGIN + now, samples, card.rate_hz)
                recording.fed_frames[side] += len(samples) * RATE_HZ / card.rate_hz
        if number % write_every == 0:
            recording.pieces.append(recording.timeline.ready(ORIGIN + now))
    recording.pieces.append(recording.timeline.finish(ORIGIN + now + late_seconds))
    return recording


def settled(errors_ms: dict[int, float], first: int, last: int) -> NDArray[np.float64]:
    """How late the pulses of some seconds are, all of which must be there."""
    return np.array([errors_ms[second] for second in range(first, last)])


# Where audio ends up


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 44_100, 48_000, 96_000, 192_000])
def test_what_was_said_is_found_where_it_was_said_whatever_the_rate(rate_hz: int):
    recording = record(polls(6), microphone=Card(rate_hz), loopback=Card(48_000))

    for side in SIDES:
        assert np.abs(settled(recording.errors_ms(side), 0, 6)).max() < 3
        assert recording.counts(side).gaps == recording.counts(side).dropped_frames == 0


@pytest.mark.parametrize("packet_seconds", [1 / 16_000, 0.003, 0.010, 0.021])
def test_packets_may_be_small_or_large(packet_seconds: float):
    card = Card(16_000, packet_seconds=packet_seconds)

    errors_ms = record(polls(6), microphone=card).errors_ms(MICROPHONE)

    assert np.abs(settled(errors_ms, 0, 5)).max() < 3


def test_a_loopback_on_which_nothing_plays_is_silent_for_as_long_as_that_takes():
    holes = ((1.2, 2.9), (5.1, 9.3))

    recording = record(polls(12), microphone=Card(48_000), loopback=Card(48_000, holes=holes))

    errors_ms = recording.errors_ms(LOOPBACK)
    assert sorted(errors_ms) == [0, 3, 4, 9, 10, 11]
    assert max(map(abs, errors_ms.values())) < 3
    for start, end in holes:
        inside = slice(round((start + 0.02) * RATE_HZ), round((end - 0.02) * RATE_HZ))
        assert not recording.pair.loopback[inside].any()
    assert recording.counts(LOOPBACK).silent_frames / RATE_HZ == pytest.approx(1.7 + 4.2, abs=0.02)


def test_a_loopback_that_never_plays_is_silence_of_the_full_length():
    recording = record(polls(5), microphone=Card(48_000))

    assert len(recording.pair.loopback) == len(recording.pair.microphone) == 5 * RATE_HZ
    assert not recording.pair.loopback.any()
    assert recording.counts(LOOPBACK).gaps == 0


def test_what_was_heard_before_the_recording_began_is_no_part_of_it():
    card = Card(48_000)
    timeline = Timeline(ORIGIN + 2.2)
    pieces = []
    for now in [2.25, *(moment for moment in polls(6) if moment > 2.25)]:
        timeline.add(MICROPHONE, ORIGIN + now, card.read(now), card.rate_hz)
        pieces.append(timeline.ready(ORIGIN + now))
    recording = Recording(timeline, [*pieces, timeline.finish(ORIGIN + 6)])

    assert len(recording.pair.microphone) == round(3.8 * RATE_HZ)
    assert recording.counts(MICROPHONE).early_frames / RATE_HZ == pytest.approx(2.2, abs=0.003)
    assert recording.counts(MICROPHONE).dropped_frames == 0
    shifted = Recording(timeline, [Pair(*(side[round(0.8 * RATE_HZ) :] for side in recording.pair))])
    assert np.abs(settled(shifted.errors_ms(MICROPHONE), 0, 3)).max() < 3


# Two clocks


@pytest.fixture(scope="module")
def five_minutes() -> Recording:
    """Two cards that drift apart by 200 ppm: 60 ms in five minutes."""
    cards = {MICROPHONE: Card(44_100, ppm=100.0), LOOPBACK: Card(48_000, ppm=-100.0)}
    return record(polls(300), **cards)


def test_clocks_that_drift_apart_stay_together(five_minutes: Recording):
    microphone, loopback = (settled(five_minutes.errors_ms(side), 0, 300) for side in SIDES)

    apart_ms = np.abs(microphone - loopback)
    assert apart_ms.max() < 10
    assert np.quantile(apart_ms, 0.95) < 3
    assert max(np.abs(microphone).max(), np.abs(loopback).max()) < 10


def test_the_drift_of_each_clock_is_learnt(five_minutes: Recording):
    learnt = {side: five_minutes.timeline.tracks[side].drift.ppm for side in SIDES}

    assert learnt == {MICROPHONE: pytest.approx(100, abs=15), LOOPBACK: pytest.approx(-100, abs=15)}


def test_a_drifting_clock_loses_nothing_and_counts_no_gap(five_minutes: Recording):
    for side in SIDES:
        counts = five_minutes.counts(side)
        assert (counts.gaps, counts.dropped_frames) == (0, 0)
        assert counts.placed_frames == pytest.approx(300 * RATE_HZ, abs=0.01 * RATE_HZ)


def test_a_recording_is_as_long_as_the_clock_says(five_minutes: Recording):
    assert abs(len(five_minutes.pair.microphone) - 300 * RATE_HZ) <= 1
    assert len(five_minutes.pair.loopback) == len(five_minutes.pair.microphone)
    assert five_minutes.timeline.seconds == pytest.approx(300, abs=1 / RATE_HZ)


def test_what_is_learnt_of_a_clock_outlives_a_silence():
    card = Card(48_000, ppm=-150.0, holes=((100.0, 110.0),))

    before, after = (record(polls(until), loopback=card) for until in (105, 130))

    for recording in (before, after):
        drift = recording.timeline.tracks[LOOPBACK].drift
        assert drift.ppm == pytest.approx(-150, abs=25)
        assert drift.stretch == pytest.approx(150e-6, abs=25e-6)
    assert np.abs(settled(after.errors_ms(LOOPBACK), 111, 130)).max() < 3


# What goes wrong


def stalled(seconds: float, at: float, for_seconds: float) -> list[float]:
    """Polls, with a time in which nobody polls."""
    return [moment for moment in polls(seconds) if not at < moment < at + for_seconds]


@pytest.mark.parametrize("at", [0.05, 5.13])
def test_a_stall_of_a_second_loses_nothing_and_counts_no_gap(at: float):
    recording = record(stalled(10, at, 1.0), microphone=Card(44_100), loopback=Card(48_000))

    for side in SIDES:
        counts = recording.counts(side)
        assert (counts.gaps, counts.dropped_frames) == (0, 0)
        assert np.abs(settled(recording.errors_ms(side), 0, 10)).max() < 3
        assert counts.placed_frames / RATE_HZ == pytest.approx(10, abs=0.02)


def test_what_comes_in_pieces_behind_a_stall_is_all_there():
    """PipeWire keeps what a stalled recorder has not read, and hands it out in pieces of a few packets."""
    timeline, samples = Timeline(ORIGIN), np.random.default_rng(0).normal(size=6 * 48_000).astype(np.float32)
    taken, moments = 0, [*np.arange(0.02, 2, 0.02), *np.arange(4, 6, 0.01)]
    pieces = []
    for moment in moments:
        there = min(round(moment * 48_000), taken + round(0.15 * 48_000))
        timeline.add(LOOPBACK, ORIGIN + moment, samples[taken:there], 48_000)
        taken = there
        pieces.append(timeline.ready(ORIGIN + moment).loopback)
    pieces.append(timeline.finish(ORIGIN + 6).loopback)

    counts = timeline.tracks[LOOPBACK].counts
    assert (counts.gaps, counts.dropped_frames) == (0, 0)
    expected = soxr.resample(samples, 48_000, RATE_HZ)
    start = RATE_HZ  # the very start is where the first packets have set it
    heard = np.concatenate(pieces)[start : 5 * RATE_HZ]
    assert np.corrcoef(heard, expected[start : 5 * RATE_HZ])[0, 1] > 0.5


def test_audio_that_a_microphone_lost_is_one_gap_and_no_drift_afterwards():
    card = Card(44_100, holes=((4.2, 6.2),))

    recording = record(polls(20), microphone=card, loopback=Card(48_000))

    assert recording.counts(MICROPHONE).gaps == 1
    assert recording.counts(MICROPHONE).silent_frames / RATE_HZ == pytest.approx(2, abs=0.02)
    assert recording.counts(MICROPHONE).gap_frames / RATE_HZ == pytest.approx(2, abs=0.02)
    errors_ms = recording.errors_ms(MICROPHONE)
    assert sorted(errors_ms) == [second for second in range(20) if second not in (4, 5)]
    assert max(map(abs, errors_ms.values())) < 3


def test_a_machine_that_sleeps_for_two_seconds_counts_them_as_a_gap():
    holes = ((4.2, 6.2),)
    cards = {MICROPHONE: Card(44_100, holes=holes), LOOPBACK: Card(48_000, holes=holes)}

    recording = record(stalled(20, 4.2, 2.0), **cards)

    for side in SIDES:
        assert recording.counts(side).gaps == 1
        assert recording.counts(side).silent_frames / RATE_HZ == pytest.approx(2, abs=0.02)
        assert recording.counts(side).gap_frames / RATE_HZ == pytest.approx(2, abs=0.02)
        assert np.abs(settled(recording.errors_ms(side), 6, 20)).max() < 3


def test_a_microphone_that_never_comes_back_is_missing_from_then_on():
    timeline = Timeline(ORIGIN)
    for moment in np.arange(0.02, 2, 0.02):
        timeline.add(MICROPHONE, ORIGIN + moment, np.ones(960, np.float32), 48_000)
        timeline.ready(ORIGIN + moment)
    timeline.finish(ORIGIN + 7)

    counts = timeline.tracks[MICROPHONE].counts
    assert counts.gaps == 1
    assert counts.gap_frames / RATE_HZ == pytest.approx(5, abs=0.05)


def test_a_night_of_sleep_is_handed_out_in_pieces_and_takes_little_memory():
    """Some clocks count on while the machine sleeps."""
    night_seconds = 8 * 3600
    timeline, handed_out = Timeline(ORIGIN), 0
    tracemalloc.start()
    for moment in [*np.arange(0.02, 1, 0.02), *np.arange(night_seconds, night_seconds + 60, 0.1)]:
        timeline.add(MICROPHONE, ORIGIN + moment, np.ones(4_800, np.float32), 48_000)
        handed_out += len(timeline.ready(ORIGIN + moment).microphone)
    while rest := len(timeline.finish(ORIGIN + night_seconds + 60).microphone):
        handed_out += rest
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert handed_out == (night_seconds + 60) * RATE_HZ
    assert timeline.tracks[MICROPHONE].counts.gap_frames / RATE_HZ == pytest.approx(night_seconds - 1, abs=1)
    assert most_bytes < 50e6


@pytest.mark.parametrize("pause_seconds", [0.06, 0.09, 0.2])
def test_a_pause_just_after_a_sound_began_moves_nothing(pause_seconds: float):
    """As between the two beeps of a notification: the start of the sound is still being measured."""
    paused = (5.1, 5.1 + pause_seconds)
    beep = paused[1] + 0.02

    def sound(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.exp(-(((seconds - beep) / PULSE_SECONDS) ** 2))

    loopback = Card(48_000, sound, holes=((0.0, 5.0), paused))
    recording = record(stalled(8, paused[0], pause_seconds), microphone=Card(48_000), loopback=loopback)

    assert recording.pair.loopback.argmax() / RATE_HZ == pytest.approx(beep, abs=0.003)


@dataclass
class Replugged:
    """A card that is gone after a while, and another one that is there from some time on."""

    first: Card
    gone_at: float
    second: Card
    back_at: float
    rate_hz: int = 0

    def read(self, seconds: float) -> Samples:
        self.rate_hz = self.first.rate_hz if seconds < self.back_at else self.second.rate_hz
        if seconds < self.gone_at:
            return self.first.read(seconds)
        self.second.holes = ((0.0, self.back_at),)
        return self.second.read(seconds)


@pytest.mark.parametrize("away_seconds", [0.0, 0.03, 1.5])
def test_a_device_that_comes_back_at_another_rate_goes_on(away_seconds: float):
    replugged = Replugged(Card(48_000), 4.2, Card(8_000), 4.2 + away_seconds)

    recording = record(polls(12), microphone=replugged, loopback=Card(48_000))  # type: ignore[arg-type]

    missing = {4, 5} if away_seconds > 1 else set()
    assert set(recording.errors_ms(MICROPHONE)) == set(range(12)) - missing
    assert max(map(abs, recording.errors_ms(MICROPHONE).values())) < 3
    assert recording.counts(MICROPHONE).gaps == 1
    assert recording.counts(MICROPHONE).dropped_frames == 0


def test_a_device_that_changes_its_rate_and_loses_nothing_goes_on_without_a_seam():
    timeline = Timeline(ORIGIN)
    for number in range(1, 101):
        rate_hz = 48_000 if number <= 50 else 16_000
        block = tone(300)(np.arange(-rate_hz // 50, 0) / rate_hz + number / 50).astype(np.float32)
        timeline.add(MICROPHONE, ORIGIN + number / 50, block, rate_hz)
    pair = timeline.finish(ORIGIN + 2)

    counts = timeline.tracks[MICROPHONE].counts
    assert counts == Counts(placed_frames=2 * RATE_HZ)
    expected = tone(300)(np.arange(2 * RATE_HZ) / RATE_HZ)
    around_the_seam = slice(RATE_HZ - 800, RATE_HZ + 800)
    assert np.abs(pair.microphone - expected)[around_the_seam].max() < 0.3


def test_audio_that_comes_twice_is_dropped_once_and_counted():
    class Stuttering(Card):
        def read(self, seconds: float) -> Samples:
            if seconds >= 4.2 and not self.holes:
                self.handed_out -= round(0.2 * self.rate_hz)
                self.holes = ((1e9, 1e9),)
            return super().read(seconds)

    recording = record(polls(10), microphone=Stuttering(48_000), loopback=Card(48_000))

    assert np.abs(settled(recording.errors_ms(MICROPHONE), 0, 10)).max() < 3
    assert recording.counts(MICROPHONE).dropped_frames / RATE_HZ == pytest.approx(0.2, abs=0.006)
    assert recording.counts(MICROPHONE).gaps == 0


def test_a_device_whose_clock_runs_far_too_fast_keeps_its_place():
    """Beyond what is steered away, audio is dropped now and then, and stays where it belongs."""
    recording = record(polls(60), microphone=Card(16_000, ppm=4_000.0))

    assert np.abs(settled(recording.errors_ms(MICROPHONE), 0, 60)).max() < 50
    assert recording.counts(MICROPHONE).dropped_frames > 0


# What is handed out


@st.composite
def hearings(draw: st.DrawFn) -> tuple[Card, list[float]]:
    """A card of any rate and packet, that is silent now and then, and the moments at which it is read."""
    rate_hz = draw(st.sampled_from([8_000, 16_000, 44_100, 48_000]))
    packet_seconds = draw(st.sampled_from([0.001, 0.0107, 0.064]))
    waits_ms = draw(st.lists(st.sampled_from([1, 5, 20, 20, 33, 70, 300]), min_size=20, max_size=120))
    moments = list(np.cumsum(waits_ms) / 1000)
    edges = sorted(draw(st.lists(st.floats(0, moments[-1]), max_size=6, unique=True)))
    holes = tuple(zip(edges[::2], edges[1::2], strict=False))
    return Card(rate_hz, tone(440), packet_seconds=packet_seconds, holes=holes), moments


@settings(deadline=None)
@given(hearings(), st.sampled_from([1, 5, 40]))
def test_every_frame_is_accounted_for(hearing: tuple[Card, list[float]], write_every: int):
    card, moments = hearing

    recording = record(moments, write_every=write_every, late_seconds=0.5, microphone=card)

    counts, fed = recording.counts(MICROPHONE), recording.fed_frames[MICROPHONE]
    found = counts.placed_frames + counts.dropped_frames + counts.early_frames
    assert abs(found - fed) <= fed * LARGEST_STRETCH + 2 * (len(card.holes) + 1)
    assert counts.placed_frames + counts.silent_frames == len(recording.pair.microphone)
    assert abs(len(recording.pair.microphone) - (moments[-1] + 0.5) * RATE_HZ) <= 1


@pytest.mark.parametrize("write_every", [2, 9, 45, 10_000])
def test_it_makes_no_difference_how_often_audio_is_asked_for(write_every: int):
    def recorded(write_every: int) -> Recording:
        cards = {
            MICROPHONE: Card(44_100, tone(300), ppm=80, holes=((6.0, 8.0),)),
            LOOPBACK: Card(48_000, tone(500), ppm=-50, holes=((0.0, 1.3), (2.0, 2.7), (9.0, 9.15))),
        }
        return record(polls(12), write_every=write_every, **cards)

    often, seldom = recorded(1), recorded(write_every)

    assert len(seldom.pieces) < len(often.pieces)
    for side in SIDES:
        np.testing.assert_array_equal(getattr(often.pair, side), getattr(seldom.pair, side))


def test_audio_is_handed_out_when_it_is_half_a_second_old():
    timeline, card = Timeline(ORIGIN), Card(48_000)
    for now in polls(8):
        timeline.add(MICROPHONE, ORIGIN + now, card.read(now), card.rate_hz)
        timeline.ready(ORIGIN + now)
        assert now - timeline.seconds == pytest.approx(min(now, FINAL_SECONDS), abs=2 / RATE_HZ)


def test_audio_does_not_wait_for_a_side_that_has_become_silent():
    timeline = Timeline(ORIGIN)
    cards = {MICROPHONE: Card(48_000), LOOPBACK: Card(48_000, holes=((2.0, 1e9),))}
    for now in polls(8):
        for side, card in cards.items():
            samples = card.read(now)
            if len(samples):
                timeline.add(side, ORIGIN + now, samples, card.rate_hz)
        timeline.ready(ORIGIN + now)

        assert now - timeline.seconds <= FINAL_SECONDS + 2 / RATE_HZ


# What it sounds like


def spoken(sound: Sound, rate_hz: int = 48_000) -> Samples:
    """What becomes of 2 s of a sound, without the first and last 100 ms: what begins at once, clicks."""
    audio: Samples = record(polls(2), microphone=Card(rate_hz, sound)).pair.microphone
    return audio[RATE_HZ // 10 : -RATE_HZ // 10]


def sweep(from_hz: float, to_hz: float, seconds: float = 2.0) -> Sound:
    return lambda at: np.sin(math.tau * (from_hz * at + (to_hz - from_hz) * at**2 / (2 * seconds)))


def decibels(ratio: float) -> float:
    return 20 * math.log10(ratio)


def test_nothing_is_left_of_what_16_khz_cannot_hold():
    audible = spoken(sweep(8_001, 23_900))

    assert decibels(float(np.abs(audible).max())) < -110


@pytest.mark.parametrize("hz", [50, 300, 1_000, 3_400, 6_000, 7_000])
@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_a_voice_is_as_loud_as_it_was(hz: float, rate_hz: int):
    audible = spoken(tone(hz, level=0.5), rate_hz).astype(np.float64)

    assert abs(decibels(math.sqrt(2 * np.mean(audible**2)) / 0.5)) < 0.1
