"""Arrays for tests are made once, whichever process asks first."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.made_once import kept


def make_in(folder: str) -> None:
    def make() -> NDArray[np.float32]:
        with (Path(folder) / "made").open("a") as made:
            made.write("x")
        return np.arange(3, dtype=np.float32)

    kept("three numbers", make, Path(folder))


def test_an_array_is_made_by_one_of_several_processes(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [spawn.Process(target=make_in, args=(str(tmp_path),)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert (tmp_path / "made").read_text() == "x"


def test_an_array_that_was_written_by_half_is_made_again(tmp_path: Path) -> None:
    kept("one", lambda: np.ones(1000, np.float32), tmp_path)
    (path,) = tmp_path.glob("*.npy")
    path.write_bytes(path.read_bytes()[:200])
    assert kept("one", lambda: np.ones(1000, np.float32), tmp_path).sum() == 1000
