"""Batches shrink when memory runs out, and no item is lost, doubled or out of order."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from transcribe_worker.recognition.batches import Batches

ITEMS = list(range(23))


class Room:
    """Work that there is room for, or not; each batch is noted."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.sizes: list[int] = []

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.sizes.append(len(items))
        if len(items) > self.most:
            raise RuntimeError("out of memory")
        return [item * 10 for item in items]


def half(error: Exception, size: int) -> int:
    if size == 1:
        raise error
    return size // 2


def test_items_come_in_order_in_batches_of_the_size():
    work = Room(100)
    assert list(Batches(8).run(ITEMS, work)) == [item * 10 for item in ITEMS]
    assert work.sizes == [8, 8, 7]


def test_a_batch_without_room_is_worked_through_again_in_smaller_ones_and_so_is_what_follows():
    batches, work = Batches(16, half), Room(3)
    assert list(batches.run(ITEMS, work)) == [item * 10 for item in ITEMS]
    assert work.sizes == [16, 8, 4, *[2] * 11, 1]
    assert batches.size == 2


def test_when_a_single_item_finds_no_room_the_error_is_raised():
    with pytest.raises(RuntimeError, match="out of memory"):
        list(Batches(4, half).run(ITEMS, Room(0)))
    with pytest.raises(RuntimeError, match="out of memory"):
        list(Batches(4).run(ITEMS, Room(2)))


def test_there_may_be_room_for_more_after_a_relief():
    work = Room(0)

    def larger(error: Exception, size: int) -> int:
        work.most = 5
        return 5

    assert list(Batches(1, larger).run(ITEMS, work)) == [item * 10 for item in ITEMS]
    assert work.sizes == [1, *[5] * 4, 3]


def test_lanes_that_run_out_together_shrink_once():
    both, reliefs = threading.Barrier(2), []

    def work(items: Sequence[int]) -> Sequence[int]:
        if len(items) > 4:
            both.wait(10)
            raise RuntimeError("out of memory")
        return items

    def relieve(error: Exception, size: int) -> int:
        reliefs.append(size)
        return half(error, size)

    batches = Batches(8, relieve)
    with ThreadPoolExecutor(2) as pool:
        lanes = [pool.submit(lambda: list(batches.run(range(8), work))) for _ in range(2)]
        assert [lane.result(30) for lane in lanes] == [list(range(8))] * 2
    assert reliefs == [8]


def test_what_a_failed_batch_holds_is_free_before_room_is_made():
    class Large:
        alive = 0

        def __init__(self) -> None:
            Large.alive += 1

        def __del__(self) -> None:
            Large.alive -= 1

    def work(items: Sequence[int]) -> Sequence[int]:
        large = Large()
        if len(items) > 1:
            raise RuntimeError(f"out of memory with {large}")
        return items

    def relieve(error: Exception, size: int) -> int:
        assert Large.alive == 0
        return 1

    assert list(Batches(2, relieve).run([1, 2], work)) == [1, 2]
