"""The columns of a waveform, whatever its range and width."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from offhook.desk.waveform import as_peaks, columns
from shared.loudness import SideLevels


@given(
    ticks=st.binary(max_size=400),
    rate=st.sampled_from((10, 20, 50)),
    from_ms=st.integers(0, 50_000),
    length_ms=st.integers(-10, 50_000),
    width=st.integers(1, 60),
)
def test_each_column_is_the_highest_tick_in_it(
    ticks: bytes, rate: int, from_ms: int, length_ms: int, width: int
) -> None:
    found = columns(ticks, rate, from_ms, from_ms + length_ms, width)
    edges = [(from_ms * rate + max(0, length_ms) * rate * n // width) // 1000 for n in range(width + 1)]
    assert found == [max(ticks[edges[n] : max(edges[n + 1], edges[n] + 1)], default=0) for n in range(width)]


@given(ticks=st.binary(min_size=20, max_size=400))
def test_no_tick_is_left_out(ticks: bytes) -> None:
    assert max(columns(ticks, 20, 0, 50 * len(ticks), 7)) == max(ticks)


def test_where_there_are_fewer_ticks_than_columns_a_tick_fills_several() -> None:
    assert columns(b"\x01\x02", 20, 0, 100, 4) == [1, 1, 2, 2]


def test_after_the_end_there_is_silence() -> None:
    assert columns(b"\x01\x02", 20, 0, 200, 4) == [1, 2, 0, 0]


def test_the_levels_of_a_call_become_peaks() -> None:
    found = as_peaks(SideLevels(10, bytes([0, 255]), bytes([20, 20])))
    assert (found.ticks_per_second, found.sides) == (10, (bytes([255, 0]), bytes([235, 235])))
