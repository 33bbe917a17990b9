"""Several items at once, and results in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from transcribe_worker.recognition.ahead import in_order


def test_results_come_in_the_order_of_the_items_whichever_is_done_first():
    later = threading.Event()

    def work(item: int) -> int:
        if item == 0:
            later.wait(10)  # until the second one is done
        else:
            later.set()
        return item * item

    assert list(in_order(range(6), work, parallel=2)) == [(item, item * item) for item in range(6)]


def test_items_are_worked_on_at_once():
    meeting = threading.Barrier(3, timeout=10)
    assert len(list(in_order(range(3), lambda _: meeting.wait(), parallel=3))) == 3


def test_no_more_items_are_taken_than_can_be_worked_on_soon():
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    for item, _ in in_order(items(), lambda item: item, parallel=2):
        assert len(taken) <= item + 4


def test_an_error_comes_in_its_turn_and_ends_it():
    def work(item: int) -> int:
        if item == 2:
            raise ValueError("two")
        return item

    results = in_order(range(5), work, parallel=2)
    assert [next(results), next(results)] == [(0, 0), (1, 1)]
    with pytest.raises(ValueError, match="two"):
        next(results)


def test_one_who_stops_early_leaves_no_thread():
    before = threading.active_count()
    results = in_order(range(50), lambda item: item, parallel=3)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_without_threads_each_result_comes_before_the_next_item_is_asked_for():
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(3):
            taken.append(item)
            yield item

    for item, result in in_order(items(), lambda item: item * item, parallel=0):
        assert (result, taken[-1]) == (item * item, item)
