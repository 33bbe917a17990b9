"""The benches that need no person run and print every figure; their speed is not checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from peewee import fn

from bench.archive import Size, fill
from bench.scale import made, page
from shared.settings import Settings
from shared.store.store import Store
from tests.tables import InboxFile, Record, Segment, use

SIZE = Size(records=200, segments=2_000, files=50)
FIGURES = (
    *("python -c pass", "status, empty home", "status", "status --json"),
    *("list, empty home", "list", "list --json", "search, a common word", "search, a rare word"),
    *("a common word", "a rare word", "two common words", "a phrase of two common words"),
    *("a beginning of one letter", "inbox, every look after it", "worker's sweep, every 2 s"),
    *("archiving a recording", "a claim", "a try that comes too late"),
)


@pytest.fixture
def empty(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "empty")
    fill(settings, Size(0, 0, 0))
    return settings


@pytest.fixture
def full(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "full")
    made(settings, SIZE)
    return settings


def remains(settings: Settings) -> dict[str, object]:
    """What a home has in it, but for the names of files."""
    store = use(Store.open(settings.database_file))
    states = Record.select(Record.transcription_status, fn.COUNT()).group_by(Record.transcription_status)
    found = {
        "states": dict(states.tuples()),
        "held": Record.select().where(Record.claim_token.is_null(False)).count(),
        "attempts": Record.select(fn.SUM(Record.attempts)).scalar(),
        "segments": Segment.select().count(),
        "known": InboxFile.select().count(),
        "inbox": len(list(settings.inbox.iterdir())),
        "library": len([path for path in settings.library.rglob("*") if path.is_file()]),
    }
    store.disconnect()
    return found


def test_the_scale_bench_has_every_figure_and_leaves_its_home_as_it_was(full: Settings, empty: Settings):
    before = remains(full)
    assert (sum(before["states"].values()), before["segments"]) == (SIZE.records, SIZE.segments)
    assert (before["known"], before["inbox"], before["library"]) == (SIZE.files,) * 3

    text = page(full, empty, SIZE, times=2)

    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    figures = {
        name.removeprefix("| ").partition(" (")[0]: (float(p50), float(p95))
        for name, p50, p95, _ in rows
        if p50 != "p50 ms"
    }
    assert set(FIGURES) <= set(figures)
    assert all(0 < p50 <= p95 for p50, p95 in figures.values())
    assert "a common word (`the`, 20 of at most 20 hits)" in text
    assert "processes claim the same 4 recordings" in text
    assert remains(full) == before


def test_a_home_that_was_made_is_taken_again_and_a_persons_own_is_left_alone(full: Settings, tmp_path: Path):
    before = remains(full)
    made(full, SIZE)
    assert remains(full) == before

    with pytest.raises(SystemExit, match="has another size"):
        made(full, Size(201, 2_000, 50))
    mine = Settings(home=tmp_path / "mine")
    mine.home.mkdir()
    (mine.home / "kept.txt").touch()
    with pytest.raises(SystemExit, match="was not made to be measured"):
        made(mine, SIZE)
    assert [path.name for path in mine.home.iterdir()] == ["kept.txt"]
