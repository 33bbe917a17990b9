"""The Range header of a request: one range or the whole file, and never bytes that are not there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.web.ranges import Range, Unsatisfiable, wanted_range

sizes = st.integers(0, 2**45)
places = st.integers(0, 2**46)


@given(size=sizes, first=places, last=places)
def test_a_range_is_cut_at_the_end_of_the_file(size: int, first: int, last: int) -> None:
    header = f"bytes={first}-{last}"
    if last < first:
        assert wanted_range(header, size) is None
    elif first >= size:
        with pytest.raises(Unsatisfiable):
            wanted_range(header, size)
    else:
        assert wanted_range(header, size) == Range(first, min(last + 1, size))


@given(size=st.integers(1, 2**45), count=st.integers(1, 2**46))
def test_a_range_may_be_the_last_bytes(size: int, count: int) -> None:
    assert wanted_range(f"bytes=-{count}", size) == Range(max(0, size - count), size)


@given(header=st.text() | st.from_regex(r"\Abytes=[\d ,\-]*\Z"), size=sizes)
def test_no_header_asks_for_bytes_that_are_not_there(header: str, size: int) -> None:
    try:
        found = wanted_range(header, size)
    except Unsatisfiable:
        return
    assert found is None or 0 <= found.first < found.end <= size


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=1", "items=0-1", "bytes=2-1"),
        *("bytes=0-1,5-6", "bytes=0-1;5-6", "bytes=+1-2", "bytes=0x1-2", "bytes=1-2-3"),
        *("bytes=٣-٤", f"bytes=0-{'9' * 5_000}"),
    ],
)
def test_what_is_not_one_range_stands_for_the_whole_file(header: str | None) -> None:
    assert wanted_range(header, 100) is None


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_range_without_bytes_cannot_be_satisfied(header: str) -> None:
    with pytest.raises(Unsatisfiable):
        wanted_range(header, 100)


def test_spaces_and_capitals_do_not_matter() -> None:
    assert wanted_range(" Bytes = 1 - 2 ", 100) == Range(1, 3)


def test_a_range_says_which_part_of_the_whole_it_is() -> None:
    assert Range(1, 3).content_range(100) == "bytes 1-2/100"
