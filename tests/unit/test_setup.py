"""How an engine uses the machine: what the table says, what settings change, how it is put into words."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from transcribe_worker.engine.setup import (
    BATCHES,
    CPU,
    GPU,
    Machine,
    Setup,
    Wishes,
    on_cpu,
    on_gpu,
    wants_gpu,
)

TINY, SMALL, MEDIUM, LARGE = 75_000_000, 480_000_000, 1_500_000_000, 3_100_000_000
GB = 1_000_000_000


def splits(setups: list[Setup]) -> list[str]:
    return [setup.split for setup in setups]


@pytest.mark.parametrize(
    ("cores", "expected"),
    [
        (1, ["1x1"]),
        (2, ["2x1", "1x2"]),
        (4, ["4x1", "2x2", "1x4"]),
        (6, ["3x2", "1x6", "6x1"]),
        (8, ["4x2", "2x4", "1x8", "8x1"]),
        (64, ["4x16", "2x32", "1x64", "8x8"]),
    ],
)
def test_the_cores_are_shared_out_in_a_few_ways_the_usual_one_first(cores: int, expected: list[str]):
    assert splits(on_cpu(Wishes(), Machine(cores), TINY)) == expected


def test_threads_that_are_asked_for_go_before_the_cores_there_are():
    assert splits(on_cpu(Wishes(cpu_threads=4), Machine(16), TINY)) == ["4x1", "2x2", "1x4"]


@pytest.mark.parametrize(
    ("lanes", "threads", "expected"), [(1, 0, "1x8"), (3, 0, "3x2"), (16, 0, "16x1"), (2, 4, "2x2")]
)
def test_lanes_that_are_asked_for_are_the_only_choice(lanes: int, threads: int, expected: str):
    assert splits(on_cpu(Wishes(lanes=lanes, cpu_threads=threads), Machine(8), TINY)) == [expected]


@pytest.mark.parametrize(
    ("model_bytes", "on_a_cpu", "on_a_gpu"), [(TINY, 8, 16), (SMALL, 4, 16), (MEDIUM, 2, 16), (LARGE, 1, 8)]
)
def test_a_larger_model_is_given_fewer_windows_and_a_gpu_more(model_bytes: int, on_a_cpu: int, on_a_gpu: int):
    assert on_cpu(Wishes(), Machine(2), model_bytes)[0].batch_size == on_a_cpu
    assert on_gpu(Wishes(), model_bytes).batch_size == on_a_gpu


def test_a_model_of_no_size_has_a_setup_too():
    assert on_cpu(Wishes(), Machine(2, memory_bytes=2 * GB), 0)[0].batch_size == BATCHES[CPU][0][1]


def test_where_memory_is_short_there_are_fewer_lanes_of_fewer_windows_but_always_one():
    def chosen(memory_gb: float) -> list[tuple[str, int]]:
        machine = Machine(8, memory_bytes=memory_gb * GB)
        return [(setup.split, setup.batch_size) for setup in on_cpu(Wishes(), machine, SMALL)]

    assert chosen(16) == [("4x2", 4), ("2x4", 4), ("1x8", 4), ("8x1", 4)]
    assert chosen(2) == [("3x2", 2), ("1x8", 4), ("6x1", 1)]
    assert chosen(1) == [("1x8", 1)]
    assert chosen(0.1) == [("1x8", 1)]


def test_windows_that_are_asked_for_are_given_whatever_memory_there_is():
    assert on_cpu(Wishes(batch_size=32), Machine(1, memory_bytes=GB), LARGE)[0].batch_size == 32
    assert on_gpu(Wishes(batch_size=3), LARGE).batch_size == 3


@pytest.mark.parametrize(
    ("device", "has_gpu", "expected"),
    [("auto", True, True), ("auto", False, False), ("cuda", False, True), ("cpu", True, False)],
)
def test_a_gpu_is_used_where_there_is_one_or_where_it_is_asked_for(
    device: str, has_gpu: bool, expected: bool
):
    assert wants_gpu(Wishes(device=device), Machine(2, has_gpu)) == expected


def test_a_setup_is_told_in_words_and_comes_back_from_json():
    assert Setup(GPU, "float16", 1, 0, 16).in_words() == "cuda, float16, 16 windows at a time"
    one = Setup(CPU, "int8", 2, 1, 1, "the GPU was out of memory")
    assert one.in_words() == "cpu, int8, 2 lanes of 1 thread, 1 window at a time; the GPU was out of memory"
    assert Setup(CPU, "int8", 1, 8, 8).in_words() == "cpu, int8, 1 lane of 8 threads, 8 windows at a time"
    assert Setup(**asdict(one)) == one
