"""Places of samples from time stamps, which may be missing or lie."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from transcribe_worker.media.flags import Flags
from transcribe_worker.media.placing import Piece, Timeline, placed

RATE_HZ = 1_000
PACKET_SECONDS = 0.1


def pieces(*stamps: float | None) -> list[Piece]:
    return [Piece(np.ones((1, 100), np.float32), RATE_HZ, stamp) for stamp in stamps]


def run(start: float, count: int = 20) -> list[float]:
    """Stamps that go on from each other."""
    return [start + PACKET_SECONDS * number for number in range(count)]


def places(
    *stamps: float | None, origin: float | None = 0.0, is_gapless: bool = False
) -> tuple[list[float], tuple[str, ...]]:
    """Where each piece comes to stand, in seconds, and the flags."""
    flags = Flags()
    timeline = Timeline(flags, origin, is_gapless=is_gapless)
    found, at = [], 0
    for samples, _ in placed(pieces(*stamps), timeline):
        if samples.all():
            found.append(at / RATE_HZ)
        at += samples.shape[1]
    return found, flags()


def test_sound_without_a_gap_stays_as_it_is() -> None:
    assert places(*run(0.0)) == (pytest.approx(run(0.0)), ())


def test_sound_without_stamps_stays_as_it_is() -> None:
    assert places(*[None] * 5) == (pytest.approx(run(0.0, 5)), ())


def test_sound_that_starts_late_stands_where_its_stamp_says() -> None:
    assert places(*run(4.0)) == (pytest.approx(run(4.0)), ("gaps_filled",))


def test_sound_after_a_gap_stands_where_its_stamp_says() -> None:
    stamps = [*run(0.0), *run(15.0)]
    assert places(*stamps) == (pytest.approx(stamps), ("gaps_filled",))


def test_dropped_packets_move_nothing_that_follows() -> None:
    stamps = [at for number, at in enumerate(run(0.0, 200)) if number % 7]
    assert places(*stamps) == (pytest.approx(stamps, abs=0.11), ("gaps_filled",))


def test_a_gap_between_counted_samples_is_damage() -> None:
    stamps = [*run(0.0), *run(2.2)]
    assert places(*stamps, is_gapless=True) == (pytest.approx(stamps), ("damaged_audio",))


def test_stamps_that_are_a_little_inexact_leave_the_sound_as_it_is() -> None:
    inexact = np.random.default_rng(1).uniform(-0.02, 0.02, 100)
    assert places(*(np.array(run(0.0, 100)) + inexact)) == (pytest.approx(run(0.0, 100)), ())


def test_a_clock_that_is_a_little_slow_leaves_the_sound_as_it_is() -> None:
    stamps = [at * 0.9999 for at in run(0.0, 20_000)]
    assert places(*stamps) == (pytest.approx(run(0.0, 20_000)), ())


@pytest.mark.parametrize("second", [-5.0, -1e12, 0.0, 1.0])
def test_stamps_that_jump_back_are_flagged_and_their_sound_follows(second: float) -> None:
    assert places(*run(0.0), *run(second)) == (pytest.approx(run(0.0, 40)), ("times_wrong",))


def test_a_gap_after_a_jump_back_is_filled_still() -> None:
    found, flags = places(*run(100.0), *run(0.0), *run(7.0), origin=None)
    assert found == pytest.approx([*run(0.0, 40), *run(9.0)])
    assert flags == ("times_wrong", "gaps_filled")


@pytest.mark.parametrize("lie", [1e12, 50.0, -3.0])
def test_one_stamp_that_lies_moves_nothing(lie: float) -> None:
    found, flags = places(*run(0.0), lie, *run(2.1))
    assert found == pytest.approx(run(0.0, 41))
    assert flags == ("times_wrong",)


@pytest.mark.parametrize("second", [3_700.0, 1e6, 2.0**62])
def test_a_jump_too_far_to_be_believed_makes_no_silence(second: float) -> None:
    stamps = [second + at for at in run(0.0)]
    assert places(*run(0.0), *stamps) == (pytest.approx(run(0.0, 40)), ("times_wrong",))


def test_many_long_gaps_make_little_more_than_an_hour_of_silence() -> None:
    stamps = [at for number in range(50) for at in run(number * 1_000.0)]
    found, flags = places(*stamps)
    assert len(found) == 1_000
    assert found[-1] < 3_600 + 4 * 100
    assert flags == ("gaps_filled", "times_wrong")


def test_an_hour_of_silence_is_given_in_small_pieces() -> None:
    given: Iterator[int] = (
        samples.shape[1] for samples, _ in placed(pieces(*run(0.0), *run(3_000.0)), Timeline(Flags()))
    )
    assert max(given) <= RATE_HZ / 2


def test_the_first_stamp_may_be_the_beginning() -> None:
    assert places(*run(500.0), origin=None) == (pytest.approx(run(0.0)), ())
