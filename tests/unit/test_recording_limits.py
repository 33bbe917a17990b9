"""What a recording may cost, and how its decoding is measured, by a clock that does as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from shared.errors import TooLarge, TooLong, TooSlow
from shared.settings import Settings
from transcribe_worker.media.limits import GB, Meter, RecordingLimits

ALLOWED = RecordingLimits(largest_file_gb=2, longest_hours=1, slowest_decoding=1, grace_seconds=30)
RATE_HZ = 100


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def decode(clock: Clock, seconds: float, *, takes: float, meter: Meter | None = None) -> Iterator[str]:
    """A decoder whose every second of audio takes so long, measured."""
    meter = meter or Meter("call.wav", ALLOWED, RATE_HZ, clock)

    def blocks() -> Iterator[str]:
        for _ in range(round(seconds)):
            clock.now += takes
            yield "x" * RATE_HZ

    return meter.measured(blocks(), len)


def test_every_limit_is_that_of_its_setting(tmp_path):
    settings = Settings(home=tmp_path, largest_file_gb=1, longest_hours=2, slowest_decoding=3)

    assert RecordingLimits.of(settings) == RecordingLimits(1, 2, 3)
    assert RecordingLimits() == RecordingLimits.of(Settings())


def test_a_file_of_the_largest_size_is_allowed_and_one_byte_more_is_not():
    ALLOWED.check_size("call.wav", 2 * GB)
    with pytest.raises(TooLarge, match=r"^call\.wav .* Raise largest_file_gb"):
        ALLOWED.check_size("call.wav", 2 * GB + 1)


def test_a_claim_is_believed_only_of_a_file_that_can_hold_so_much():
    two_hours = 7_200.0
    with pytest.raises(TooLong, match="Raise longest_hours"):
        ALLOWED.check_claim("call.mp3", two_hours, size_bytes=1_000_000)
    ALLOWED.check_claim("call.mp3", two_hours, size_bytes=100_000)
    ALLOWED.check_claim("call.mp3", 3_600.0, size_bytes=1_000_000)
    ALLOWED.check_claim("call.mp3", None, size_bytes=1_000_000)


def test_the_audio_is_counted_whatever_the_header_said(clock: Clock):
    heard = decode(clock, 3_601, takes=0.0)

    with pytest.raises(TooLong, match=r"call\.wav is 1 hours long or longer"):
        list(heard)
    assert len(list(decode(clock, 3_600, takes=0.0))) == 3_600


@pytest.mark.parametrize(
    ("takes", "is_slow"), [(0.9, False), (1.0, False), (1.5, True), (100.0, True), (500.0, True)]
)
def test_a_decoder_that_takes_longer_than_its_audio_is_slow(clock: Clock, takes: float, is_slow: bool):
    decoded = decode(clock, 300, takes=takes)
    if is_slow:
        with pytest.raises(TooSlow, match="Raise slowest_decoding"):
            list(decoded)
    else:
        assert len(list(decoded)) == 300


def test_what_is_done_with_the_audio_costs_nothing(clock: Clock):
    heard = 0
    for _ in decode(clock, 100, takes=0.1):
        clock.now += 1_000.0
        heard += 1
    assert heard == 100


def test_a_decoder_that_is_busy_without_giving_audio_is_slow_too(clock: Clock):
    meter = Meter("call.wav", ALLOWED, RATE_HZ, clock)
    looks = 0

    def nothing() -> Iterator[str]:
        nonlocal looks
        for looks in range(1, 1_000):  # noqa: B007
            clock.now += 1.0
            meter.look()
        yield ""

    with pytest.raises(TooSlow):
        list(meter.measured(nothing(), len))
    assert looks == 31


@pytest.mark.parametrize("slept_seconds", [45.0, 100.0, 8 * 3_600.0])
def test_a_machine_that_slept_was_not_decoding(clock: Clock, slept_seconds: float):
    meter = Meter("call.wav", ALLOWED, RATE_HZ, clock)
    for _ in decode(clock, 1, takes=slept_seconds, meter=meter):
        pass
    assert len(list(decode(clock, 300, takes=0.9, meter=meter))) == 300


def test_a_limit_can_be_raised(clock: Clock):
    patient: Callable[[], Meter] = lambda: Meter(  # noqa: E731
        "call.wav", RecordingLimits(slowest_decoding=5, longest_hours=9), RATE_HZ, clock
    )
    assert len(list(decode(clock, 4_000, takes=4.0, meter=patient()))) == 4_000
